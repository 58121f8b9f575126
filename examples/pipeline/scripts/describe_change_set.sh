#!/usr/bin/env bash
# Prints, as variables for a shell, what a change set would change, and the ids that its page in the console is found by.
set -euo pipefail

# Where production is in another account, a role there is asked.
if [[ -n $REVIEW_ROLE_ARN ]]; then
  credentials=$(aws sts assume-role --role-arn "$REVIEW_ROLE_ARN" --role-session-name review \
    --query 'Credentials.[AccessKeyId, SecretAccessKey, SessionToken]' --output text)
  read -r AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN <<< "$credentials"
  export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
fi

description=$(aws cloudformation describe-change-set --stack-name "$STACK_NAME" --change-set-name "$CHANGE_SET_NAME" --output json)
changes=$(jq --raw-output '
  [.Changes[]?.ResourceChange]
  | map(select(.Action == "Modify" and .Replacement != "False")) as $replaced
  | map(select(.Action == "Remove")) as $removed
  | if length == 0 then "nothing changes" else
      "\(map(select(.Action == "Add" or .Action == "Import")) | length) to add, "
      + "\(map(select(.Action == "Modify" and .Replacement == "False")) | length) to change, "
      + "\($replaced | length) to replace or perhaps to replace\($replaced | map(" " + .LogicalResourceId) | join(",")), "
      + "\($removed | length) to remove\($removed | map(" " + .LogicalResourceId) | join(","))"
    end
  | if length > 600 then .[:600] + "..." else . end
' <<< "$description")
printf 'CHANGES=%q\n' "$changes"
printf 'STACK_ID=%q\n' "$(jq --raw-output '.StackId | @uri' <<< "$description")"
printf 'CHANGE_SET_ID=%q\n' "$(jq --raw-output '.ChangeSetId | @uri' <<< "$description")"

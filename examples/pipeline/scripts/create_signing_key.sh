#!/usr/bin/env bash
# Makes the key pair that the application signs SAML messages with, once: what is there already is never replaced. The
# private key goes from a file that only this user can read into Secrets Manager, and is never an argument or printed.
set -euo pipefail
umask 077

if found=$(aws secretsmanager describe-secret --secret-id "$SECRET_NAME" --query '[ARN, DeletedDate]' --output text 2>&1); then
  read -r arn deleted <<< "$found"
  [[ $deleted == None ]] || { echo "$arn is being deleted: restore it, or wait until it is gone" >&2; exit 1; }
  echo "$arn is there already"
  exit 0
elif [[ $found != *ResourceNotFoundException* ]]; then
  echo "$found" >&2
  exit 1
fi

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
openssl req -x509 -newkey rsa:3072 -sha256 -nodes -days 1825 -subj "/CN=$COMMON_NAME" \
  -keyout "$directory/key.pem" -out "$directory/certificate.pem" 2> "$directory/openssl.log" ||
  { cat "$directory/openssl.log" >&2; exit 1; }
jq --null-input --rawfile key "$directory/key.pem" --rawfile certificate "$directory/certificate.pem" \
  '{privateKey: $key, certificate: $certificate}' > "$directory/secret.json"
aws secretsmanager create-secret --name "$SECRET_NAME" --kms-key-id "$ENCRYPTION_KEY_ARN" \
  --description "SAML signing key pair" --secret-string "file://$directory/secret.json" --query ARN --output text
# What identity providers are given.
cat "$directory/certificate.pem"

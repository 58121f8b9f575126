"""What a stack's id contains: ``arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-network/6a7e8feb-...``.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudformation.html
"""


def name_of_stack(stack: str) -> str:
    """Return the name of a stack, which is the same in every region, from its id or name."""
    return stack.split("/")[1] if "/" in stack else stack


def pseudo_parameters(stack_id: str) -> dict[str, str]:
    """Return the pseudo parameters of a stack's template that its id determines.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
    """
    _, partition, _, region, account, _ = stack_id.split(":", 5)
    return {
        "AWS::AccountId": account,
        "AWS::Partition": partition,
        "AWS::Region": region,
        "AWS::StackId": stack_id,
        "AWS::StackName": name_of_stack(stack_id),
    }

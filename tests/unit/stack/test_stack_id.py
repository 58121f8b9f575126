"""What a stack's id contains."""

from belay.stack.stack_id import name_of_stack, pseudo_parameters

ID = "arn:aws-cn:cloudformation:cn-north-1:111122223333:stack/orders-network/6a7e8feb-3c0e-11ee-be56-0242ac120002"


def test_the_name_stands_in_the_id_and_a_name_is_its_own() -> None:
    assert name_of_stack(ID) == name_of_stack("orders-network") == "orders-network"


def test_the_pseudo_parameters_that_an_id_tells() -> None:
    assert pseudo_parameters(ID) == {
        "AWS::AccountId": "111122223333",
        "AWS::Partition": "aws-cn",
        "AWS::Region": "cn-north-1",
        "AWS::StackId": ID,
        "AWS::StackName": "orders-network",
    }

from belay.template.dependencies import behind_output, dependencies
from belay.template.loader import load

TEMPLATE = b"""
Parameters:
  Size: {Type: String}
Resources:
  Topic: {Type: AWS::SNS::Topic}
  Key: {Type: AWS::KMS::Key}
  Queue:
    Type: AWS::SQS::Queue
    DependsOn: Topic
    Properties:
      Size: !Ref Size
      KmsMasterKeyId: !GetAtt Key.Arn
  Policy:
    Type: AWS::SQS::QueuePolicy
    DependsOn: [Queue]
    Properties:
      Text: !Sub "${Topic.TopicArn} in ${AWS::Region}"
      Self: !Ref Policy
      Nested: [{Value: {Fn::GetAtt: [Key, Arn]}}]
"""


def test_a_resource_needs_what_it_names() -> None:
    assert dependencies(load(TEMPLATE, "t.yaml")) == {
        "Topic": set(),
        "Key": set(),
        "Queue": {"Topic", "Key"},
        "Policy": {"Queue", "Topic", "Key"},
    }


def test_an_output_depends_on_what_its_resources_depend_on() -> None:
    outputs = b"Outputs:\n  Url: {Value: !GetAtt Queue.QueueUrl}\n  Size: {Value: !Ref Size}\n"
    document = load(TEMPLATE + outputs, "t.yaml")
    assert behind_output(document, "Url") == {"Queue", "Topic", "Key"}
    assert behind_output(document, "Size") == behind_output(document, "None") == set()

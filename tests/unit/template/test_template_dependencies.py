from belay.template.dependencies import dependencies
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

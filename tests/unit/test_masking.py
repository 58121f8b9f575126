"""No secret that a build prints gets into a message; the cause of the failure stays readable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belay.masking import MASK, masked

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq\nq2x0Yy1k\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N"


@pytest.mark.parametrize(
    ("line", "hidden", "kept"),
    [
        ("key AKIAIOSFODNN7EXAMPLE is used", "AKIAIOSFODNN7EXAMPLE", "is used"),
        ("ASIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE", MASK),
        (f"AWS_SECRET_ACCESS_KEY={SECRET}", SECRET, "AWS_SECRET_ACCESS_KEY="),
        (f"the secret {SECRET} was refused", SECRET, "was refused"),
        ("DB_PASSWORD=hunter2 make test", "hunter2", "make test"),
        ('"password": "hunter2", "user": "orders"', "hunter2", '"user": "orders"'),
        ("password: 'two words' next", "two words", "next"),
        ("mysql --password hunter2 --host db", "hunter2", "--host db"),
        ("curl --token=abcdef https://example.com", "abcdef", "https://example.com"),
        ("api_key => abc123, host => db", "abc123", "host => db"),
        ("Authorization: Basic b3JkZXJzOmh1bnRlcjI=", "b3JkZXJzOmh1bnRlcjI=", "Authorization: "),
        ('-H "authorization: Token abc def"', "abc def", "authorization: "),
        ("sent Bearer abcdefghijklmnop to it", "abcdefghijklmnop", "to it"),
        ("postgres://orders:hunter2@db:5432/orders", "hunter2", "@db:5432/orders"),
        ("git clone https://x-token-auth:abc@bitbucket.org/a/b", "abc", "@bitbucket.org/a/b"),
        (f"{KEY}\nafter", "q2x0Yy1k", "after"),
        (KEY.rsplit("\n", 1)[0], "q2x0Yy1k", MASK),
        (f"jwt {JWT} refused", "eyJzdWIi", "refused"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789 is bad", "ghp_abc", "is bad"),
        ("xoxb-1234567890-abcdefghij", "xoxb", MASK),
        (r'"SecretString": "{\"user\":\"orders\",\"password\":\"hunter2\"}", "Name": "db"', "hunter2", '"Name": "db"'),
        (r'{"message": "{\"password\": \"two words\", \"user\": \"orders\"}"}', "two words", "orders"),
        (r'{"a": "{\"b\": \"{\\\"token\\\": \\\"hunter2\\\"}\"}"}', "hunter2", '{"a"'),
        (r'password: "a\"b rest" next', "rest", "next"),
        ("1 error: Value 'hunter2' at 'masterUserPassword' failed to satisfy", "hunter2", "masterUserPassword"),
        ("DB_PASS=hunter2 make test", "hunter2", "make test"),
        ("AccountKey=hunter2;EndpointSuffix=example.com", "hunter2", "EndpointSuffix"),
        ("Set-Cookie: session=hunter2; Path=/", "hunter2", "Path=/"),
        ("dckr_pat_abcdefghijklmn is bad", "dckr_pat", "is bad"),
        ("CREATE USER orders IDENTIFIED BY hunter2 ACCOUNT UNLOCK", "hunter2", "ACCOUNT UNLOCK"),
        ("CREATE USER orders IDENTIFIED BY VALUES 'S:hunter2' PROFILE app", "hunter2", "PROFILE app"),
        (
            "CREATE USER 'o'@'%' IDENTIFIED WITH caching_sha2_password BY 'two words' REQUIRE SSL",
            "two words",
            "REQUIRE SSL",
        ),
        ("ALTER USER o IDENTIFIED BY PASSWORD '*6C8989' ACCOUNT LOCK", "6C8989", "ACCOUNT LOCK"),
        ("CREATE ROLE orders LOGIN PASSWORD 'hunter2' VALID UNTIL '2027'", "hunter2", "VALID UNTIL"),
        ("ALTER ROLE orders ENCRYPTED PASSWORD 'two words' NOINHERIT", "two words", "NOINHERIT"),
        ("CREATE LOGIN orders WITH PASSWORD = N'two words', CHECK_POLICY = ON", "words", "CHECK_POLICY"),
        ("SET PASSWORD FOR o = PASSWORD('hunter2') -- then", "hunter2", "-- then"),
        ("GET /a?X-Amz-Signature=0123abcd&X-Amz-Date=20260302", "0123abcd", "X-Amz-Date=20260302"),
    ],
)
def test_a_secret_is_unreadable_and_the_rest_stays(line: str, hidden: str, kept: str) -> None:
    assert hidden not in masked(line)
    assert kept in masked(line)
    assert MASK in masked(line)


@pytest.mark.parametrize(
    "line",
    [
        "COMMAND_EXECUTION_ERROR: Error while executing command: make test. Reason: exit status 2",
        "commit 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12 was checked out",
        "arn:aws:iam::111122223333:role/belay/orders is not authorized to perform: s3:PutObject",
        "FAILED tests/unit/test_orders.py::test_a_total - assert 3 == 4",
        "https://eu-west-1.console.aws.amazon.com/codebuild/home?region=eu-west-1#/builds/orders",
        "author: mary@example.com",
        "12 passed, 1 failed: bypass=1, compass: north",
    ],
)
def test_what_is_no_secret_is_left_alone(line: str) -> None:
    assert masked(line) == line


@pytest.mark.parametrize("part", ["a-", "a.b-", "token-", "-eyJabcdefgh", "https+", "a:", "--secret", "x@", "aA1/"])
def test_a_line_of_any_length_comes_to_an_end(part: str) -> None:
    assert masked(f"{part * 10_000} password=hunter2").endswith(MASK)


@given(st.text(), st.sampled_from(["password=", "token: ", "AWS_SECRET_ACCESS_KEY="]))
def test_whatever_stands_before_it_a_named_value_is_hidden(before: str, name: str) -> None:
    assert "hunter2hunter2" not in masked(f"{before}\n{name}hunter2hunter2")

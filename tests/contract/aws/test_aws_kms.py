from collections.abc import Callable
from typing import Any

import pytest
from botocore.stub import Stubber

from belay.aws.kms import MacKey
from belay.errors import AccessDenied


def test_a_code_is_its_message_s_and_no_other_s(simulated: Callable[[str], Any]) -> None:
    client = simulated("kms")
    key_id = client.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    key = MacKey(client, key_id)
    code = key.generate_mac(b"orders 1.2.0")
    assert key.verify_mac(b"orders 1.2.0", code)
    assert not key.verify_mac(b"orders 1.2.1", code)
    assert not key.verify_mac(b"orders 1.2.0", bytes(reversed(code)))


def test_a_code_that_could_not_be_verified_is_a_fault(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stub = stubbed("kms")
    stub.add_client_error("verify_mac", "AccessDeniedException")
    with pytest.raises(AccessDenied):
        MacKey(client, "key").verify_mac(b"message", b"code")

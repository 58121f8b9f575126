"""KMS: encryption and message authentication codes, with keys that never leave KMS."""

import base64
from collections.abc import Mapping
from typing import Any

from belay.aws.faults import translated

_ALGORITHM = "HMAC_SHA_256"


class MacKey:
    """One HMAC key, for messages of at most 4,096 bytes."""

    def __init__(self, client: Any, key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    def generate_mac(self, message: bytes) -> bytes:
        """Return a message's code."""
        with translated("KMS.GenerateMac"):
            answer = self._client.generate_mac(KeyId=self._key_id, MacAlgorithm=_ALGORITHM, Message=message)
        return bytes(answer["Mac"])

    def verify_mac(self, message: bytes, mac: bytes) -> bool:
        """Return whether a code is this message's; KMS compares them."""
        with translated("KMS.VerifyMac", ignoring=("KMSInvalidMacException",)):
            self._client.verify_mac(KeyId=self._key_id, MacAlgorithm=_ALGORITHM, Message=message, Mac=mac)
            return True
        return False


class ValueKey:
    """One symmetric key, for strings of at most 4,096 bytes, the limit of a stack's parameter."""

    def __init__(self, client: Any, key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    def encrypt(self, value: str, context: Mapping[str, str]) -> str:
        """Return a value encrypted, in base64. ``context`` says what it belongs to, and is needed to decrypt it."""
        with translated("KMS.Encrypt"):
            answer = self._client.encrypt(KeyId=self._key_id, Plaintext=value.encode(), EncryptionContext=dict(context))
        return base64.b64encode(answer["CiphertextBlob"]).decode()

    def decrypt(self, encrypted: str, context: Mapping[str, str]) -> str:
        """Return what was encrypted with this context."""
        with translated("KMS.Decrypt"):
            answer = self._client.decrypt(
                KeyId=self._key_id, CiphertextBlob=base64.b64decode(encrypted), EncryptionContext=dict(context)
            )
        return bytes(answer["Plaintext"]).decode()

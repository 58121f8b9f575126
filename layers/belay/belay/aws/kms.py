"""KMS: message authentication codes with a key that never leaves KMS."""

from typing import Any

from botocore.exceptions import ClientError

from belay.aws.faults import code_of, translated

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
        with translated("KMS.VerifyMac"):
            try:
                self._client.verify_mac(KeyId=self._key_id, MacAlgorithm=_ALGORITHM, Message=message, Mac=mac)
            except ClientError as error:
                if code_of(error) == "KMSInvalidMacException":
                    return False
                raise
        return True

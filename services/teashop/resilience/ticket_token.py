"""What the holder of a waiting-room ticket shows: a time of issue that only the shop can write."""

import base64
import binascii
import hashlib
import hmac
import struct
from typing import Final

_PAYLOAD: Final = struct.Struct(">QQ")  # issue time in microseconds, nonce
_MAC_BYTES: Final = 16
_SECRET_BYTES: Final = 16


class TicketTokens:
    """Writes tokens and reads them again.

    A token is 8 bytes of issue time, 8 of nonce and the first 16 of HMAC-SHA256 over both and the
    hash of the Idempotency-Key: it cannot be made or changed without the secret, and serves no
    other key. Safe for use from several threads.
    """

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) < _SECRET_BYTES:
            raise ValueError(
                f"ticket_secret must have at least {_SECRET_BYTES} bytes, got {len(secret)}."
            )
        self._secret = secret

    def write(self, key: str, issued_unix_s: float, nonce: int) -> str:
        """A token, URL-safe, for whoever shows this key; `nonce` has 64 bits."""
        payload = _PAYLOAD.pack(int(issued_unix_s * 1e6), nonce)
        return base64.urlsafe_b64encode(payload + self._mac(payload, key)).rstrip(b"=").decode()

    def read(self, token: str, key: str) -> tuple[float, bytes] | None:
        """When it was issued (Unix seconds) and its code; None if it is not ours or not this key's.

        The code is unique where a nonce may repeat: it covers the key too.
        """
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            return None
        payload, mac = raw[: _PAYLOAD.size], raw[_PAYLOAD.size :]
        # Base64 has several spellings of the same bytes; only ours is a ticket.
        ours = base64.urlsafe_b64encode(raw).rstrip(b"=") == token.encode("utf-8", "replace")
        if (
            len(raw) != _PAYLOAD.size + _MAC_BYTES
            or not ours
            or not hmac.compare_digest(mac, self._mac(payload, key))
        ):
            return None
        issued_us, _ = _PAYLOAD.unpack(payload)
        return issued_us / 1e6, mac

    def _mac(self, payload: bytes, key: str) -> bytes:
        bound = payload + hashlib.sha256(key.encode("utf-8", "replace")).digest()
        return hmac.digest(self._secret, bound, "sha256")[:_MAC_BYTES]

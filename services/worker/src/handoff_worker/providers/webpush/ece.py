"""The encryption of web push: RFC 8291 over RFC 8188's aes128gcm, in one record."""

import hmac
import os
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

RECORD = 4096  # bytes; also what push services take
OVERHEAD = 16 + 4 + 1 + 65 + 1 + 16  # salt, record size, key's length, key, delimiter, tag
CONTENT_LIMIT = RECORD - OVERHEAD


@dataclass(frozen=True, slots=True)
class Keys:
    """A subscription's keys: the browser's public key, and the secret that it shares with the sender."""

    public: EllipticCurvePublicKey = field(repr=False)
    auth: bytes = field(repr=False)


def keys(p256dh: str, auth: str) -> Keys:
    """The keys of a subscription, from their base64url texts. Raises `ValueError` when they are none."""
    secret = decoded(auth)
    if len(secret) != 16:
        raise ValueError("auth has 16 bytes")
    return Keys(EllipticCurvePublicKey.from_encoded_point(SECP256R1(), decoded(p256dh)), secret)


def decoded(text: str) -> bytes:
    """The bytes of a base64url text, with or without its padding."""
    return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))


def point(key: EllipticCurvePrivateKey | EllipticCurvePublicKey) -> bytes:
    """A public key as its uncompressed point."""
    public = key.public_key() if isinstance(key, EllipticCurvePrivateKey) else key
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def encrypt(content: bytes, to: Keys) -> bytes:
    """A body that only the subscription's browser can read, under a key and a salt that are used this once.

    Raises:
        ValueError: there is more content than `CONTENT_LIMIT`.
    """
    return sealed(content, to, generate_private_key(SECP256R1()), os.urandom(16))


def sealed(content: bytes, to: Keys, key: EllipticCurvePrivateKey, salt: bytes) -> bytes:
    """As `encrypt`, with a key and a salt that must never be used again."""
    if len(content) > CONTENT_LIMIT:
        raise ValueError("more than a push service takes")
    ours = point(key)
    info = b"WebPush: info\0" + point(to.public) + ours
    secret = derived(key.exchange(ECDH(), to.public), to.auth, info, 32)
    content_key = derived(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = derived(secret, salt, b"Content-Encoding: nonce\0", 12)
    header = salt + RECORD.to_bytes(4, "big") + bytes([len(ours)]) + ours
    return header + AESGCM(content_key).encrypt(nonce, content + b"\x02", None)


def derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF (RFC 5869) for at most 32 bytes: its first block is all of it."""
    return hmac.digest(hmac.digest(salt, secret, "sha256"), info + b"\x01", "sha256")[:length]

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

RECORD_BYTES = 4096  # the most that push services take
OVERHEAD_BYTES = 16 + 4 + 1 + 65 + 1 + 16  # salt, record size, key's length, key, delimiter, tag
CONTENT_LIMIT = RECORD_BYTES - OVERHEAD_BYTES  # bytes


@dataclass(frozen=True, slots=True)
class Keys:
    """A subscription's keys: the browser's public key, and the secret that it shares with the sender."""

    public: EllipticCurvePublicKey = field(repr=False)
    auth: bytes = field(repr=False)


def read_keys(p256dh: str, auth: str) -> Keys:
    """The keys of a subscription, from their base64url texts. Raises `ValueError` for malformed ones."""
    secret = decode_base64url(auth)
    if len(secret) != 16:
        raise ValueError("auth must have 16 bytes")
    return Keys(EllipticCurvePublicKey.from_encoded_point(SECP256R1(), decode_base64url(p256dh)), secret)


def decode_base64url(text: str) -> bytes:
    """The bytes of a base64url text, with or without its padding."""
    return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))


def encode_point(key: EllipticCurvePrivateKey | EllipticCurvePublicKey) -> bytes:
    """The public key as an uncompressed point."""
    public = key.public_key() if isinstance(key, EllipticCurvePrivateKey) else key
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def encrypt(content: bytes, to: Keys) -> bytes:
    """A body that only the subscription's browser can decrypt. The key and the salt are new.

    Raises:
        ValueError: the content is longer than `CONTENT_LIMIT`.
    """
    return encrypt_with(content, to, generate_private_key(SECP256R1()), os.urandom(16))


def encrypt_with(content: bytes, to: Keys, key: EllipticCurvePrivateKey, salt: bytes) -> bytes:
    """Like `encrypt`, with a given key and salt. Never use them again."""
    if len(content) > CONTENT_LIMIT:
        raise ValueError("the content is longer than a push service takes")
    ours = encode_point(key)
    info = b"WebPush: info\0" + encode_point(to.public) + ours
    secret = derive(key.exchange(ECDH(), to.public), to.auth, info, 32)
    content_key = derive(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = derive(secret, salt, b"Content-Encoding: nonce\0", 12)
    header = salt + RECORD_BYTES.to_bytes(4, "big") + bytes([len(ours)]) + ours
    return header + AESGCM(content_key).encrypt(nonce, content + b"\x02", None)


def derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF (RFC 5869) for at most 32 bytes, which need only its first block."""
    return hmac.digest(hmac.digest(salt, secret, "sha256"), info + b"\x01", "sha256")[:length]

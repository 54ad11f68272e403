"""JSON web tokens signed with ES256, for APNs and Web Push."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic_core import to_json

# Deterministic (RFC 6979): workers that sign the same claims send the same token, without coordination.
SIGNATURE = ECDSA(SHA256(), deterministic_signing=True)


def base64url(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def sign_token(key: EllipticCurvePrivateKey, header: Mapping[str, str], claims: Mapping[str, str | int]) -> str:
    """The claims as a signed token. `alg` is added to the header."""
    signed = f"{base64url(to_json({'alg': 'ES256', **header}))}.{base64url(to_json(claims))}"
    r, s = decode_dss_signature(key.sign(signed.encode(), SIGNATURE))
    return f"{signed}.{base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def read_private_key(pem: str) -> EllipticCurvePrivateKey:
    """The P-256 key of a PEM text. Raises `ValueError` for any other text."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (TypeError, UnsupportedAlgorithm):  # encrypted, or of a kind that the library can't read
        raise ValueError("not an unencrypted P-256 key") from None
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("not a P-256 key")
    return key

"""Simulators of APNs, SNS and a browser's push service: TLS and HTTP/2 on loopback, without a third-party server.

They answer as documented, and as told to: what the real ones, and the stand-ins that others wrote, can't be asked for.
"""

import re
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qsl

import jwt
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

from handoff_worker.providers.webpush.ece import decode_base64url
from tests.integration.providers.fcm_simulator import Asked, FcmSimulator, Say

ACCOUNT = "arn:aws:sns:eu-west-1:123456789012"


class ApnsSimulator(FcmSimulator):
    """`script` is by device token. `public_key` is the one that Apple would know of. As Apple does, it takes one
    request of a connection until it has replied to it.
    """

    public_key: EllipticCurvePublicKey

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.takes = 1

    def answer(self, asked: Asked) -> Say:
        self.sends.append(asked)
        device = asked.path.removeprefix("/3/device/")
        if self.script[device]:
            return self.script[device].pop(0)
        try:
            jwt.decode(asked.headers["authorization"].removeprefix("bearer "), self.public_key, ["ES256"])
        except jwt.InvalidTokenError:
            return refusal(403, "InvalidProviderToken")
        return Say(200, "", {"apns-id": f"apns-{len(self.sends)}"})

    def asked_of(self) -> Counter[str]:
        return Counter(asked.path.rpartition("/")[2] for asked in self.sends)


class PushServiceSimulator(FcmSimulator):
    """A push service. `script` is by the last part of the endpoint's path."""

    def endpoint(self, name: str) -> str:
        return f"{self.url}/push/{name}"

    def answer(self, asked: Asked) -> Say:
        self.sends.append(asked)
        name = asked.path.rpartition("/")[2]
        if self.script[name]:
            return self.script[name].pop(0)
        scheme, token, key = asked.headers["authorization"].replace(",", "").split(" ")
        public = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), decode_base64url(key.removeprefix("k=")))
        claims = jwt.decode(token.removeprefix("t="), public, ["ES256"], audience=self.url)
        assert (scheme, asked.headers["content-encoding"]) == ("vapid", "aes128gcm")
        assert claims["sub"].startswith("mailto:")
        assert int(asked.headers["ttl"]) >= 0
        return Say(201, "", {"location": f"{self.url}/messages/{len(self.sends)}"})

    def asked_of(self) -> Counter[str]:
        return Counter(asked.path.rpartition("/")[2] for asked in self.sends)


class SnsSimulator(FcmSimulator):
    """`script` is by action and target or token: "Publish arn:...", "CreatePlatformEndpoint token". The signature of
    every request is checked by botocore's.
    """

    secret = "a secret access key"

    def answer(self, asked: Asked) -> Say:
        self.sends.append(asked)
        form = dict(parse_qsl(asked.body.decode(), strict_parsing=True))
        if self.script[aim(form)]:
            return self.script[aim(form)].pop(0)
        if not self.signed(asked):
            return sns_error(403, "SignatureDoesNotMatch")
        action = form["Action"]
        if action == "PublishBatch":
            ids = [text for name, text in form.items() if name.endswith(".Id")]
            entries = "".join(f"<member><Id>{id}</Id><MessageId>m-{id}</MessageId></member>" for id in ids)
            return xml(action, f"<Failed/><Successful>{entries}</Successful>")
        if action == "CreatePlatformEndpoint":
            return xml(action, f"<EndpointArn>{ACCOUNT}:endpoint/GCM/shop/{form['Token']}</EndpointArn>")
        return xml(action, f"<MessageId>m-{len(self.sends)}</MessageId>")

    def signed(self, asked: Asked) -> bool:
        told = asked.headers["authorization"]
        names = re.search(r"SignedHeaders=([^,]+)", told)
        assert names
        headers = {name: asked.headers[name] for name in names[1].split(";") if name != "host"}
        signature = botocores_signature(asked.headers[":authority"], headers, asked.body, self.secret, "eu-west-1")
        return told.endswith(f"Signature={signature}")

    def asked_of(self) -> Counter[str]:
        return Counter(aim(dict(parse_qsl(asked.body.decode()))) for asked in self.sends)


def botocores_signature(host: str, headers: dict[str, str], body: bytes, secret: str, region: str) -> str:
    """What botocore signs such a request to SNS with."""
    request = AWSRequest("POST", f"https://{host}/", headers=headers, data=body)
    request.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(Credentials("AKIDEXAMPLE", secret), "sns", region)
    return str(signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request))


def aim(form: dict[str, str]) -> str:
    names = ("TargetArn", "TopicArn", "EndpointArn", "Token")
    return f"{form['Action']} {next(form[name] for name in names if name in form)}"


def xml(action: str, result: str) -> Say:
    """An answer of SNS's query API."""
    space = "https://sns.amazonaws.com/doc/2010-03-31/"
    inner = f"<{action}Result>{result}</{action}Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
    return Say(200, f'<{action}Response xmlns="{space}">{inner}</{action}Response>', {})


def sns_error(status: int, code: str, message: str = "") -> Say:
    """An error of SNS's query API."""
    told = f"<Type>Sender</Type><Code>{code}</Code><Message>{message or code}</Message>"
    space = "https://sns.amazonaws.com/doc/2010-03-31/"
    return Say(status, f'<ErrorResponse xmlns="{space}"><Error>{told}</Error><RequestId>r</RequestId></ErrorResponse>')


def refusal(status: int, reason: str, **headers: str) -> Say:
    """An error of APNs."""
    return Say(status, {"reason": reason}, {name.replace("_", "-"): text for name, text in headers.items()})

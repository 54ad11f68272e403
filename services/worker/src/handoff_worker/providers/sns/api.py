"""Signed calls to SNS's query API."""

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from handoff_worker.delivery import http
from handoff_worker.delivery.responses import Category, ProviderResponse
from handoff_worker.providers.sns.responses import categorize_sns_error
from handoff_worker.providers.sns.sigv4 import Signer
from handoff_worker.providers.sns.xml import element_text

VERSION = "2010-03-31"
FORM = "application/x-www-form-urlencoded; charset=utf-8"


class SnsError(http.RequestFailed):
    """SNS answered with an error. `message`: SNS's text, which may quote parameters of the call."""

    def __init__(self, response: ProviderResponse, message: str) -> None:
        super().__init__(response)
        self.message = message


class SnsApi:
    """Calls SNS at `url` with one signer."""

    def __init__(self, url: str, signer: Signer) -> None:
        self._url = url
        self._host = urlsplit(url).netloc
        self._signer = signer

    async def call(self, action: str, parameters: Mapping[str, str]) -> str:
        """Calls an action and returns the XML of the reply.

        Raises:
            SnsError: SNS answered with an error.
            http.RequestFailed: there is no reply.
        """
        body = urlencode({"Action": action, "Version": VERSION, **parameters}).encode()
        headers = self._signer.sign(self._host, {"content-type": FORM}, body)
        reply = await http.post(self._url, headers, body)
        xml = reply.body.decode(errors="replace")
        if reply.status == 200:
            return xml
        response = categorize_sns_error(reply.status, element_text("Code", xml), reply.retry_after)
        raise SnsError(response, element_text("Message", xml))

    async def call_repeatable(self, action: str, parameters: Mapping[str, str]) -> str:
        """Like `call`, for an action that delivers nothing: without a reply, the category is `retry`."""
        try:
            return await self.call(action, parameters)
        except SnsError:
            raise
        except http.RequestFailed as error:
            raise http.RequestFailed(ProviderResponse(Category.RETRY, error.response.reason)) from None

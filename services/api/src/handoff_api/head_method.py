"""HEAD: the answer to GET without its body (RFC 9110, 9.3.2)."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

UNSAFE = "/push/"  # in development a GET there sends a notification, which HEAD must not


class AnswerHead:
    """Middleware that calls the route for GET and ends the answer after its head, so an event stream ends, too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD" or scope["path"].startswith(UNSAFE):
            await self.app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        get = {**scope, "method": "GET"}
        try:
            await self.app(get, receive, without_body)
        finally:
            scope["route"] = get.get("route")  # Observe names the request by its route

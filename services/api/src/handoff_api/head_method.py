"""HEAD: the answer to GET without its body (RFC 9110, 9.3.2)."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

UNSAFE = "/push/"  # in development a GET there sends a notification, which HEAD must not do


class HeadMiddleware:
    """Middleware that calls the GET route and ends the answer after its head. An event stream ends there too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD" or scope["path"].startswith(UNSAFE):
            await self.app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        get = {**scope, "method": "GET"}
        try:
            await self.app(get, receive, send_head)
        finally:
            scope["route"] = get.get("route")  # log and metrics name the request by its route

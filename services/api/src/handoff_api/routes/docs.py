"""/docs in development: Swagger UI, which works without the internet because the API serves its files itself."""

from importlib.resources import files

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

OPENAPI_PATH = "/openapi.json"
ASSETS_PATH = "/docs/assets"
PACKAGE = "fastapi_offline"  # has the files of swagger-ui-dist; production does not install it, nor offer /docs
MEDIA_TYPES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}


def router() -> APIRouter:
    """Return the routes of the documentation page, and a redirect from `/` to it."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def redirect_to_docs() -> RedirectResponse:
        return RedirectResponse("/docs")

    @routes.get("/docs")
    async def show_docs() -> HTMLResponse:
        return get_swagger_ui_html(
            title="Handoff API",
            openapi_url=OPENAPI_PATH,
            swagger_js_url=f"{ASSETS_PATH}/swagger-ui-bundle.js",
            swagger_css_url=f"{ASSETS_PATH}/swagger-ui.css",
            swagger_favicon_url=f"{ASSETS_PATH}/favicon.png",
            swagger_ui_parameters={"docExpansion": "list", "persistAuthorization": True, "validatorUrl": None},
        )

    @routes.get(ASSETS_PATH + "/{name}")
    async def get_asset(name: str) -> Response:
        if name not in MEDIA_TYPES:
            raise HTTPException(404)
        content = (files(PACKAGE) / "static" / name).read_bytes()
        return Response(content, media_type=MEDIA_TYPES[name])

    return routes

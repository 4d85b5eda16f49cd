"""Cognito user pools: app clients."""

from typing import Any

from tests.support.fakes.base import Fake, Request, denied


class Cognito(Fake):
    """Keeps the app clients of one pool by their ids; gives no tokens."""

    service = "cognito-idp"

    def __init__(self) -> None:
        super().__init__()
        self.clients: dict[str, Request] = {}

    def create_user_pool_client(self, **request: Any) -> dict[str, Any]:
        self._called("CreateUserPoolClient", request)
        client_id = f"client-{self.count('CreateUserPoolClient')}"
        self.clients[client_id] = request
        return {"UserPoolClient": {"ClientId": client_id, "ClientSecret": f"{client_id}-secret"}}

    def delete_user_pool_client(self, **request: Any) -> dict[str, Any]:
        self._called("DeleteUserPoolClient", request)
        if self.clients.pop(request["ClientId"], None) is None:
            raise denied("ResourceNotFoundException", "DeleteUserPoolClient")
        return {}

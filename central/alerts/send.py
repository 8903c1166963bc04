"""Posts messages to channels, where no Notifications plugin does: webhook, Slack and Teams."""

import http.client
import json
import ssl
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from central.alerts.channels import Channel
from central.alerts.files import Json
from central.errors import CentralError

_SECONDS: Final = 10.0


class _NoRedirect(HTTPRedirectHandler):
    """A message is not carried to another address than the one that was configured."""

    def redirect_request(self, *_: object) -> None:
        return None


_OPENER: Final = build_opener(_NoRedirect)


def post(channel: Channel, body: Json) -> None:
    """Send one message.

    Args:
        channel: where to; its kind is not `email`.
        body: `subject`, `text` and, for a webhook, what else it is to know.

    Raises:
        CentralError: it was not taken.
    """
    if channel.kind == "email":
        raise CentralError(
            f"channel {channel.id}: only the Notifications plugin sends e-mail: use a webhook here"
        )
    # Without a plugin too, Slack and Teams take nothing but a text.
    content = body if channel.takes_json else {"text": f"{body['subject']}\n\n{body['text']}"}
    data = json.dumps(content, ensure_ascii=False).encode()
    try:
        request = Request(channel.values["url"], data=data, headers=channel.headers, method="POST")  # noqa: S310 -- http or https, checked when it was read
        with _OPENER.open(request, timeout=_SECONDS):
            return
    except HTTPError as error:
        reason = f"it answers {error.code} {error.reason}"
    except (URLError, ssl.SSLError, TimeoutError, OSError, http.client.HTTPException, ValueError) as error:
        reason = str(getattr(error, "reason", None) or error)
    raise CentralError(f"channel {channel.id}: {reason}: correct its url, or look at the receiver")

"""What can go wrong.

Every failure of a call is a `BudError`. Its text is one line that lets a person act, and its attributes let a program
decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple


class FieldError(NamedTuple):
    """One field that the server refused. The refused value itself is never kept: it may be a password."""

    location: str
    """Where, as the server says it: `body.email`."""
    message: str
    """Why."""
    rule: str | None = None
    """The server's name of the rule, if it gives one."""


class Cause(Exception):
    """What lay beneath an error: the `__cause__` of it, and of other causes."""


class BudError(Exception):
    """Why a call failed."""

    code: str = "unknown"
    """The stable name of what went wrong, the same in all languages: `not_found`, `rate_limited`."""
    message: str
    """What the server said, or what this package found. Never contains a secret."""
    hint: str | None
    """What to do about it, where that is known."""
    status: int | None
    """The HTTP status that decided the outcome, if there was an answer."""
    server_code: str | None
    """The server's own code or type of the error, as it spells it."""
    param: str | None
    """The argument or field that is to blame, if it is known."""
    fields: tuple[FieldError, ...]
    """The fields that the server refused."""
    request_id: str | None
    """The server's id of the request, for its operators."""
    retry_after: timedelta | None
    """How long the server asked to wait."""
    attempts: int
    """How many times the request was sent or tried; 0 when it was refused before."""
    elapsed: timedelta | None
    """The time from the call to this error, waiting between attempts included."""
    operation: str | None
    """What was called: `users.get`."""
    maybe_applied: bool
    """The change that was asked for may have been made: look before you repeat it."""
    is_retryable: bool
    """The same call may succeed later, and repeating it is safe: the cause is temporary, nothing is applied twice."""
    required_permission: str | None
    """The missing permission, as the access rules of Kubernetes name it: `list pods in all namespaces`."""
    path: str | None
    """Where in the answer, for an answer of an unexpected shape."""
    cursor: str | None
    """Where the list broke off; `cursor=` takes it."""

    def __init__(
        self,
        text: str = "",
        *,
        code: str | None = None,
        message: str | None = None,
        hint: str | None = None,
        status: int | None = None,
        server_code: str | None = None,
        param: str | None = None,
        fields: Sequence[FieldError] = (),
        request_id: str | None = None,
        retry_after: timedelta | None = None,
        attempts: int = 0,
        elapsed: timedelta | None = None,
        operation: str | None = None,
        maybe_applied: bool = False,
        is_retryable: bool = False,
        required_permission: str | None = None,
        path: str | None = None,
        cursor: str | None = None,
    ) -> None:
        """Makes an error, as tests of your own code may want to."""
        super().__init__(text)
        if code is not None:
            self.code = code
        self.message = text if message is None else message
        self.hint = hint
        self.status = status
        self.server_code = server_code
        self.param = param
        self.fields = tuple(fields)
        self.request_id = request_id
        self.retry_after = retry_after
        self.attempts = attempts
        self.elapsed = elapsed
        self.operation = operation
        self.maybe_applied = maybe_applied
        self.is_retryable = is_retryable
        self.required_permission = required_permission
        self.path = path
        self.cursor = cursor

    def __reduce__(self) -> tuple[Any, ...]:
        facts = {name: value for name, value in vars(self).items() if not name.startswith("__")}
        causes = []
        cause = self.__cause__
        while isinstance(cause, Cause):
            causes.append(str(cause))
            cause = cause.__cause__
        return _again, (type(self), str(self), facts, tuple(causes))


class InvalidArgument(BudError, ValueError):
    """An argument was refused before any request was made; `param` names it."""

    code = "invalid_argument"


class ConfigError(BudError):
    """The configuration is wrong or incomplete; the text names the value and its source, never a secret."""

    code = "config"


class Unsupported(BudError):
    """This server's API does not offer the operation. No request was made; the text names what to use instead."""

    code = "unsupported"


class ClosedError(BudError, RuntimeError):
    """The client or cluster was closed before the call. Nothing was sent."""

    code = "closed"


class TransportError(BudError):
    """The server could not be reached, or gave no proper answer."""


class ConnectError(TransportError, ConnectionError):
    """No connection: name resolution, refused, unreachable. Nothing was sent."""

    code = "connect"


class TlsError(TransportError):
    """TLS failed: certificate, host name, protocol. It is not retried."""

    code = "tls"


class CallTimeout(TransportError, TimeoutError):
    """A deadline passed; `maybe_applied` tells whether the request may have run."""

    code = "timeout"


class Interrupted(TransportError, ConnectionError):
    """The connection broke after the request was (or may have been) sent; see `maybe_applied`."""

    code = "interrupted"


class ProtocolError(TransportError):
    """The peer does not speak HTTP, or breaks its rules."""

    code = "protocol"


class AuthenticationError(BudError):
    """The server does not know who is calling."""


class InvalidCredentials(AuthenticationError):
    """The server refused the e-mail and password. Sent once, never retried."""

    code = "invalid_credentials"


class SessionExpired(AuthenticationError):
    """The session ended and cannot be renewed: log in again."""

    code = "session_expired"


class AuthRejected(AuthenticationError):
    """The server refused the token (401) even after a renewal, or it cannot be renewed."""

    code = "auth_rejected"


class ApiError(BudError):
    """The server refused, by another status than 2xx."""

    code = "api"


class UnexpectedRedirect(ApiError):
    """The server answered with a redirect. None is followed, so that no token or body leaves the origin."""

    code = "unexpected_redirect"


class BadRequest(ApiError):
    """400: the request was refused."""

    code = "bad_request"


class PermissionDenied(ApiError, PermissionError):
    """403: the caller lacks a permission."""

    code = "permission_denied"


class NotFound(ApiError, LookupError):
    """404, or what the server says in its place."""

    code = "not_found"


class Conflict(ApiError):
    """409: in conflict with the present state."""

    code = "conflict"


class ValidationError(ApiError):
    """422: a field was refused; see `fields`."""

    code = "validation"


class RateLimited(ApiError):
    """429; see `retry_after`."""

    code = "rate_limited"


class ServerError(ApiError):
    """5xx. For a call that changes something, see `maybe_applied`."""

    code = "server"


class DecodeError(BudError):
    """The answer has another shape than documented; `path` is the place in it."""

    code = "decode"


class BodyTooLarge(BudError):
    """The answer is larger than the limit for buffered bodies."""

    code = "body_too_large"


class DownloadError(BudError):
    """A download broke, cannot be proven whole, or could not be written."""

    code = "download"


class WaitTimeout(BudError, TimeoutError):
    """A wait reached its deadline; the remote work goes on."""

    code = "poll_timeout"


class OperationFailed(BudError):
    """The awaited work ended in failure; the text carries the server's reason."""

    code = "operation_failed"


class Unconfirmed(BudError):
    """A wait after an action saw no sign of that action."""

    code = "unconfirmed"


class Incomplete(BudError):
    """The result is known to be incomplete."""

    code = "incomplete"


class Cancelled(BudError):
    """Cancelled by the caller."""

    code = "cancelled"


class InternalError(BudError):
    """A mistake of this package. Please report it."""

    code = "internal"


_CODES: dict[str, type[BudError]] = {}


def _collect(base: type[BudError]) -> None:
    for each in base.__subclasses__():
        if "code" in vars(each):
            _CODES[each.code] = each
        _collect(each)


_collect(BudError)


def _again(kind: type[BudError], text: str, facts: dict[str, Any], causes: Sequence[str]) -> BudError:
    error = kind(text)
    vars(error).update(facts)
    return _caused(error, causes)


def _caused(error: BudError, causes: Sequence[str]) -> BudError:
    above: BaseException = error
    for text in causes:
        cause = Cause(text)
        above.__cause__ = cause
        above = cause
    return error


def _seconds(value: float | None) -> timedelta | None:
    return None if value is None else timedelta(seconds=value)


def from_facts(facts: Mapping[str, Any], causes: Sequence[str]) -> BudError:
    """The error of these facts, as the core gives them."""
    known = {name: value for name, value in facts.items() if name not in ("kind", "text")}
    known["fields"] = [FieldError(**field) for field in known["fields"]]
    known["retry_after"] = _seconds(known["retry_after"])
    known["elapsed"] = _seconds(known["elapsed"])
    kind = facts["kind"]
    error = _CODES.get(kind, BudError)(facts["text"], code=kind, **known)
    return _caused(error, causes)


def closed(operation: str) -> BudError:
    """A call of a client that was closed."""
    message, hint = "the client is closed", "make a new one"
    text = f"{operation} failed: {message}; {hint}"
    return ClosedError(text, message=message, hint=hint, operation=operation)


def invalid(operation: str, param: str, why: str) -> BudError:
    """An argument that cannot be sent."""
    text = f"{operation} failed: invalid argument `{param}`: {why}"
    return InvalidArgument(text, message=why, param=param, operation=operation)

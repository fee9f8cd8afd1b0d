/**
 * What can go wrong, as classes for `instanceof` and as stable codes for `switch`.
 */

/** A stable name of what went wrong, the same in all languages of bud-sdk. */
export type ErrorCode =
  | 'invalid_argument'
  | 'config'
  | 'unsupported'
  | 'connect'
  | 'tls'
  | 'timeout'
  | 'interrupted'
  | 'protocol'
  | 'unexpected_redirect'
  | 'invalid_credentials'
  | 'session_expired'
  | 'auth_rejected'
  | 'permission_denied'
  | 'bad_request'
  | 'not_found'
  | 'conflict'
  | 'validation'
  | 'rate_limited'
  | 'server'
  | 'api'
  | 'decode'
  | 'body_too_large'
  | 'download'
  | 'poll_timeout'
  | 'operation_failed'
  | 'unconfirmed'
  | 'incomplete'
  | 'cancelled'
  | 'closed'
  | (string & {});

/** One field that the server refused. The refused value itself is never kept: it may be a password. */
export interface FieldError {
  /** Where, as the server says it: `body.email`. */
  readonly location: string;
  /** Why. */
  readonly message: string;
  /** The server's name of the rule, if it gives one. */
  readonly rule?: string;
}

/** What the native part tells of an error. */
export interface ErrorFacts {
  kind: string;
  text: string;
  message?: string | null;
  hint?: string | null;
  status?: number | null;
  server_code?: string | null;
  param?: string | null;
  fields?: { location: string; message: string; rule?: string | null }[] | null;
  request_id?: string | null;
  retry_after?: number | null;
  attempts?: number | null;
  elapsed?: number | null;
  operation?: string | null;
  maybe_applied?: boolean | null;
  is_retryable?: boolean | null;
  required_permission?: string | null;
  path?: string | null;
  cursor?: string | null;
}

/**
 * Why a call failed: one line that lets a person act, and properties that let a program decide.
 *
 * ```ts
 * try {
 *   await client.projects.delete(id);
 * } catch (error) {
 *   if (error instanceof NotFoundError) console.log('there was none');
 *   else if (error instanceof BudError && error.maybeApplied) console.log('look before you repeat it');
 *   else throw error;
 * }
 * ```
 */
export class BudError extends Error {
  /** A stable name of what went wrong: `not_found`, `rate_limited`. */
  readonly code: ErrorCode;
  /** What the server said, or what this SDK found, without what `message` has around it. Never contains a secret. */
  readonly reason: string;
  /** What to do about it, where that is known. */
  declare readonly hint?: string;
  /** The HTTP status that decided the outcome, if there was an answer. */
  declare readonly status?: number;
  /** The server's own code or type of the error, as it spells it. */
  declare readonly serverCode?: string;
  /** The argument or field that is to blame, if it is known. */
  declare readonly param?: string;
  /** The fields that the server refused (422). */
  readonly fields: readonly FieldError[];
  /** The server's id of the request, for its operators. */
  declare readonly requestId?: string;
  /** How long the server asked to wait, in milliseconds. */
  declare readonly retryAfter?: number;
  /** How many times the request was sent or tried; 0 when it was refused before. */
  readonly attempts: number;
  /** Milliseconds from the call to this error, waiting between attempts included. */
  declare readonly elapsed?: number;
  /** The id of the operation that failed, the same in all languages: `users.set_role`. */
  declare readonly operation?: string;
  /** The call may have taken effect: look before you repeat it. */
  readonly maybeApplied: boolean;
  /** The same call may succeed later, and repeating it is safe: the cause is temporary, and nothing is applied twice. */
  readonly isRetryable: boolean;
  /** The missing permission, as the access rules of Kubernetes name it: `list pods in all namespaces`. */
  declare readonly requiredPermission?: string;
  /** Where an answer had another shape than documented. */
  declare readonly path?: string;
  /** Where a list broke off, for `cursor`. */
  declare readonly cursor?: string;

  /** @internal */
  constructor(facts: ErrorFacts) {
    super(spelled(facts));
    this.code = facts.kind;
    this.reason = facts.message ?? facts.text;
    this.attempts = facts.attempts ?? 0;
    this.maybeApplied = facts.maybe_applied ?? false;
    this.isRetryable = facts.is_retryable ?? false;
    this.fields = (facts.fields ?? []).map(({ location, message, rule }) =>
      rule == null ? { location, message } : { location, message, rule },
    );
    // Only what is known becomes a property, so that an inspected error is short.
    const known = {
      hint: facts.hint,
      status: facts.status,
      serverCode: facts.server_code,
      param: isArgument(facts) ? camel(facts.param) : facts.param,
      requestId: facts.request_id,
      retryAfter: facts.retry_after == null ? null : Math.round(facts.retry_after * 1000),
      elapsed: facts.elapsed == null ? null : Math.round(facts.elapsed * 1000),
      operation: facts.operation,
      requiredPermission: facts.required_permission,
      path: facts.path,
      cursor: facts.cursor,
    };
    for (const [name, value] of Object.entries(known)) {
      if (value != null) (this as Record<string, unknown>)[name] = value;
    }
  }
}

/** An argument was refused before any request was made; `param` names it. */
export class InvalidArgumentError extends BudError {}
/** The configuration is wrong or incomplete; the message names the value and its source, never a secret. */
export class ConfigError extends BudError {}
/** The API of this server does not offer the operation. No request was made; `hint` names what to use instead. */
export class UnsupportedError extends BudError {}
/** The client or cluster was closed before the call. Nothing was sent. */
export class ClosedError extends BudError {}
/** No good answer came: no connection, a broken one, or none in time. */
export class ConnectionError extends BudError {}
/** No connection: name resolution, refused, unreachable. Nothing was sent. */
export class ConnectError extends ConnectionError {}
/** TLS failed: certificate, host name, protocol. Nothing was sent, and it is not retried. */
export class TlsError extends ConnectionError {}
/** A deadline passed; `maybeApplied` tells whether the request may have run. */
export class TimeoutError extends ConnectionError {}
/** The connection broke after the request was (or may have been) sent; see `maybeApplied`. */
export class InterruptedError extends ConnectionError {}
/** The peer does not speak HTTP, breaks its rules, or redirects, which is never followed. */
export class ProtocolError extends ConnectionError {}
/** The server answered with a redirect. None is followed, so that no token or body leaves the origin. */
export class UnexpectedRedirectError extends ProtocolError {}
/** The server refused; `status` says how. */
export class ApiError extends BudError {}
/** The server does not know the caller: wrong password, ended session, rejected token. Each has its own subclass. */
export class AuthenticationError extends ApiError {}
/** The server rejected the e-mail and password. They are sent once, never retried. */
export class InvalidCredentialsError extends AuthenticationError {}
/** The session ended and cannot be renewed: log in again. */
export class SessionExpiredError extends AuthenticationError {}
/** The server rejected the token (401) even after a renewal, or the token cannot be renewed. */
export class AuthRejectedError extends AuthenticationError {}
/** 403: the caller lacks a permission. */
export class PermissionDeniedError extends ApiError {}
/** 400: the request was refused. */
export class BadRequestError extends ApiError {}
/** 404, or what the server says in its place. */
export class NotFoundError extends ApiError {}
/** 409: in conflict with the present state. */
export class ConflictError extends ApiError {}
/** 422: a field was refused; see `fields`. */
export class ValidationError extends ApiError {}
/** 429; see `retryAfter`. */
export class RateLimitedError extends ApiError {}
/** 5xx. For a call that changes something, see `maybeApplied`. */
export class ServerError extends ApiError {}
/** The answer has another shape than documented, or is too large; `path` is the place in it. */
export class DecodeError extends BudError {}
/** The answer is larger than the limit for buffered bodies. */
export class BodyTooLargeError extends DecodeError {}
/** A download broke, cannot be proven whole, or could not be written. */
export class DownloadError extends BudError {}
/** A wait reached its deadline; the remote work goes on. */
export class PollTimeoutError extends BudError {}
/** The awaited work ended in failure; the message carries the server's reason. */
export class OperationFailedError extends BudError {}
/** A wait after an action saw no sign of that action. */
export class UnconfirmedError extends BudError {}
/** The result is known to be incomplete. */
export class IncompleteError extends BudError {}
/** Cancelled by the caller. */
export class CancelledError extends BudError {}

const CLASSES: Readonly<Record<string, typeof BudError>> = {
  invalid_argument: InvalidArgumentError,
  config: ConfigError,
  unsupported: UnsupportedError,
  connect: ConnectError,
  tls: TlsError,
  timeout: TimeoutError,
  interrupted: InterruptedError,
  protocol: ProtocolError,
  unexpected_redirect: UnexpectedRedirectError,
  invalid_credentials: InvalidCredentialsError,
  session_expired: SessionExpiredError,
  auth_rejected: AuthRejectedError,
  permission_denied: PermissionDeniedError,
  bad_request: BadRequestError,
  not_found: NotFoundError,
  conflict: ConflictError,
  validation: ValidationError,
  rate_limited: RateLimitedError,
  server: ServerError,
  api: ApiError,
  decode: DecodeError,
  body_too_large: BodyTooLargeError,
  download: DownloadError,
  poll_timeout: PollTimeoutError,
  operation_failed: OperationFailedError,
  unconfirmed: UnconfirmedError,
  incomplete: IncompleteError,
  cancelled: CancelledError,
  closed: ClosedError,
};

// On the prototypes: an own property would be shown by every inspection.
for (const type of [BudError, ConnectionError, AuthenticationError, ...Object.values(CLASSES)]) {
  Object.defineProperty(type.prototype, 'name', { value: type.name, configurable: true, writable: true });
}

/** Where a call was made: an object with nothing but a stack. @internal */
export interface Place {
  stack?: string;
}

/** What the messages of the native part's errors begin with; their facts follow as JSON. */
const MARK = 'bud-sdk error: ';

/** Errors that were made here and have no place yet. */
const unplaced = new WeakSet<object>();

/** An error with those facts, made here and not by the native part. */
function made(facts: ErrorFacts): BudError {
  const error = new (CLASSES[facts.kind] ?? BudError)(facts);
  unplaced.add(error);
  return error;
}

function at<E extends Error>(error: E, place: Place | undefined): E {
  const frames = place?.stack?.indexOf('\n    at ') ?? -1;
  if (place?.stack && frames >= 0) {
    const value = `${error.name}: ${error.message}${place.stack.slice(frames)}`;
    Object.defineProperty(error, 'stack', { value, configurable: true, writable: true });
  }
  return error;
}

/** An argument that is refused here, before the native part is asked. @internal */
export function refused(operation: string, param: string, message: string): BudError {
  const failed = operation && `${operation} failed: `;
  const text = `${failed}invalid argument \`${param}\`: ${message}`;
  return made({ kind: 'invalid_argument', text, message, operation: operation || null, param });
}

/** A call of what was closed. @internal */
export function closed(operation: string): BudError {
  const [message, hint] = ['the client is closed', 'make a new one'];
  return made({ kind: 'closed', text: `${operation} failed: ${message}; ${hint}`, message, hint, operation });
}

/**
 * What this package threw, at the place of the call: errors of the native part become those of this module. All else is the
 * caller's own and stays as it is. No `instanceof`: the native part's errors are of another realm where tests run in a context
 * of their own. @internal
 */
export function thrown(error: unknown, place?: Place): unknown {
  if (typeof error !== 'object' || error === null) return error;
  if (unplaced.delete(error)) return at(error as BudError, place);
  const { message } = error as { message?: unknown };
  if (typeof message !== 'string' || !message.startsWith(MARK)) return error;
  try {
    const facts = JSON.parse(message.slice(MARK.length)) as ErrorFacts;
    return at(new (CLASSES[facts.kind] ?? BudError)(facts), place);
  } catch {
    return error;
  }
}

function isArgument(facts: ErrorFacts): facts is ErrorFacts & { param: string } {
  return facts.kind === 'invalid_argument' && typeof facts.param === 'string';
}

/** The text, which names an argument as the property does. */
function spelled(facts: ErrorFacts): string {
  const { text } = facts;
  return isArgument(facts) ? text.replace(`invalid argument \`${facts.param}\``, () => `invalid argument \`${camel(facts.param)}\``) : text;
}

/** `first_name` is `firstName` here. */
function camel(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

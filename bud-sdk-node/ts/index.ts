/**
 * Operate Bud AI Foundry from code: typed, safe calls for what its Day-2 guide does by hand.
 */

export {
  ApiError,
  AuthenticationError,
  AuthRejectedError,
  BadRequestError,
  BodyTooLargeError,
  BudError,
  CancelledError,
  ClosedError,
  ConfigError,
  ConflictError,
  ConnectError,
  ConnectionError,
  DecodeError,
  DownloadError,
  IncompleteError,
  InterruptedError,
  InvalidArgumentError,
  InvalidCredentialsError,
  NotFoundError,
  OperationFailedError,
  PermissionDeniedError,
  PollTimeoutError,
  ProtocolError,
  RateLimitedError,
  ServerError,
  SessionExpiredError,
  TimeoutError,
  TlsError,
  UnconfirmedError,
  UnexpectedRedirectError,
  UnsupportedError,
  ValidationError,
} from './errors.js';
export type { ErrorCode, FieldError } from './errors.js';
export { Secret } from './secret.js';
export type { Call, ResponseInfo, WithResponse } from './call.js';
export type { Chunks, Export, WriteOptions } from './export.js';
export type { Items, List, Listing, Page, Pages } from './list.js';
export type { CallOptions, SignalOptions, JobOptions, ListOptions, TimeoutOptions } from './options.js';
export type { Extra } from './read.js';
export type { Id, Integer, Named, Time } from './values.js';
export type { BudWarning } from './warnings.js';
export * from './generated/index.js';

/**
 * Operate Bud AI Foundry from code: typed, safe calls for what its Day-2 guide does by hand.
 */

export { Client } from './client.js';
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
export type { ClientOptions } from './generated/options.js';
export type { CapabilityInfo, CapabilityList, RawAnswer } from './generated/models.js';
export * as account from './generated/topics/account.js';
export * as audit from './generated/topics/audit.js';
export * as clusters from './generated/topics/clusters.js';
export * as credentials from './generated/topics/credentials.js';
export * as endpoints from './generated/topics/endpoints.js';
export * as kubernetes from './generated/topics/kubernetes.js';
export * as models from './generated/topics/models.js';
export * as permissions from './generated/topics/permissions.js';
export * as projects from './generated/topics/projects.js';
export * as quotas from './generated/topics/quotas.js';
export * as report from './generated/topics/report.js';
export * as users from './generated/topics/users.js';
export * as workflows from './generated/topics/workflows.js';

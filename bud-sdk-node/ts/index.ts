/**
 * Operate Bud AI Foundry from code: typed, safe calls for what its Day-2 guide does by hand.
 */

export { Client } from './client.js';
export { KubernetesCluster } from './cluster.js';
export {
  ApiError,
  AuthenticationError,
  BadRequestError,
  BudError,
  ConfigError,
  ConflictError,
  ConnectionError,
  DecodeError,
  DownloadError,
  IncompleteError,
  InterruptedError,
  InvalidArgumentError,
  NotFoundError,
  OperationFailedError,
  PermissionDeniedError,
  PollTimeoutError,
  ProtocolError,
  RateLimitedError,
  ServerError,
  TimeoutError,
  TlsError,
  UnconfirmedError,
  UnsupportedError,
  ValidationError,
} from './errors.js';
export type { ErrorCode, FieldError } from './errors.js';
export * as reports from './reports.js';
export { Secret } from './secret.js';
export type { Call, ResponseInfo, WithResponse } from './call.js';
export type { Chunks, Export, WriteOptions } from './export.js';
export type { Items, List, Page, Pages } from './list.js';
export type { CallOptions, ExportOptions, JobOptions, ListOptions, WorkOptions } from './options.js';
export type { Extra } from './read.js';
export type { Id, Integer, Time } from './values.js';
export type { ClientOptions, ClusterOptions } from './generated/options.js';
export type * from './generated/models.js';
export type * from './generated/resources.js';

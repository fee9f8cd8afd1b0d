/**
 * Something about a result that its caller should know and that is no error: the list changed while it was read, a change was
 * accepted and not shown, a permission is wider than the one that was granted. Each is also a warning of the process:
 * `process.on('warning', ...)` sees it under the name `BudWarning`.
 */
export interface BudWarning {
  /** A stable name, the same in all languages: `changed_while_reading`, `effective_level`, `limitation`... */
  readonly code: string;
  /** What there is to know, in one sentence. Never contains a secret. */
  readonly message: string;
}

/** Makes them warnings of the process. @internal */
export function emit(operation: string, warnings: readonly BudWarning[]): void {
  for (const { code, message } of warnings) process.emitWarning(`${operation}: ${message}`, { type: 'BudWarning', code });
}

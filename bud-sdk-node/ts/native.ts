import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** A client of the native part. Texts are JSON; what it throws and rejects with has a mark and JSON as its
 * message. @internal */
export interface NativeClient {
  call(id: string, args: string, options: string, cancel: NativeCancel | undefined): Promise<string>;
  stream(id: string, args: string, options: string, updates: boolean): NativeStream;
}

/** Pieces as they come: JSON, or bytes; `null` at the end. @internal */
export interface NativeStream {
  next(): Promise<string | Buffer | null>;
  cancel(): void;
}

/** Ends one call. @internal */
export interface NativeCancel {
  cancel(): void;
}

/** @internal */
export interface Native {
  connect(backend: string, options: string, variables: Record<string, string>): NativeClient;
  render(form: string, report: string, earlier: string | undefined): string;
  Cancel: new () => NativeCancel;
}

function load(): Native {
  // Built here from source, or installed beside this package for this platform.
  const built = join(__dirname, '..', 'bud-sdk-node.node');
  if (existsSync(built)) return require(built) as Native;
  const target = [process.platform, process.arch, ...(process.platform === 'linux' ? [libc()] : [])].join('-');
  try {
    return require(`bud-sdk-node-${target}`) as Native;
  } catch (cause) {
    const message = `bud-sdk-node has no native part for ${target}: reinstall with optional dependencies, or build it from source`;
    throw new Error(message, { cause });
  }
}

function libc(): string {
  // Without this the report asks the network for names.
  Object.assign(process.report, { excludeNetwork: true });
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime ? 'gnu' : 'musl';
}

/** @internal */
export const native: Native = load();

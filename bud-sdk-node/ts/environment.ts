/**
 * The variables that a client reads: those of this thread or context. The process has others where this is a worker, or a test
 * that runs in a context of its own.
 */

/** What the core reads, and no more. `REQUEST_METHOD` marks CGI programs, in which `HTTP_PROXY` comes from the client. */
const READ = /^(BUD_\w+|HOME|USERPROFILE|(HTTP|HTTPS|ALL|NO)_PROXY|SSL_CERT_(FILE|DIR)|REQUEST_METHOD)$/i;

/** Those variables, by name. @internal */
export function variables(): Record<string, string> {
  const found = Object.entries(process.env).filter(([name, value]) => READ.test(name) && typeof value === 'string');
  // There names have no case, and are looked for in capitals.
  const named = process.platform === 'win32' ? found.map(([name, value]) => [name.toUpperCase(), value]) : found;
  return Object.fromEntries(named) as Record<string, string>;
}

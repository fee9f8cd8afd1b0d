/** A server that answers from a script, one request a connection, and keeps what it was asked, byte for byte. */

import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What is done with a request: these bytes are sent, or something is done with the connection. */
export type Answer = string | Buffer | ((socket: Socket) => void);

export interface Asked {
  readonly line: string;
  readonly headers: readonly string[];
  readonly body: string;
}

type Answering = (asked: Asked, at: number) => Answer | undefined;

export class Scripted implements AsyncDisposable {
  readonly asked: Asked[] = [];
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #closed = 0;

  private constructor(server: Server, answer: Answering) {
    this.#server = server;
    this.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', (socket) => this.#serve(socket, answer));
  }

  /** Answers with these, in order. What is asked beyond them is kept, too, and cut off. */
  static answering(...answers: Answer[]): Promise<Scripted> {
    return Scripted.start((_, at) => answers[at]);
  }

  static async start(answer: Answering): Promise<Scripted> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Scripted(server, answer);
  }

  get url(): string {
    return `http://${this.host}`;
  }

  /** How many connections the other side has closed or broken off. */
  get closed(): number {
    return this.#closed;
  }

  #serve(socket: Socket, answer: Answering): void {
    let bytes = Buffer.alloc(0);
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#closed += 1;
    });
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      const asked = parse(bytes);
      if (!asked) return;
      bytes = Buffer.alloc(0);
      this.asked.push(asked);
      const given = answer(asked, this.asked.length - 1);
      if (given === undefined) socket.end();
      else if (typeof given === 'function') given(socket);
      else socket.end(given);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

function parse(bytes: Buffer): Asked | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [line = '', ...headers] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const length = headers.map((header) => /^content-length: (\d+)$/i.exec(header)?.[1]).find(Boolean) ?? '0';
  const body = bytes.subarray(end + 4);
  if (body.length < Number(length)) return undefined;
  return { line: line.replace(/ HTTP\/1\.1$/, ''), headers, body: body.toString('utf8') };
}

/** An HTTP answer. The connection ends with it. */
export function answer(status: number, body: string, headers: Record<string, string> = {}): string {
  const length = Buffer.byteLength(body);
  const all = { connection: 'close', ...(status === 204 ? {} : { 'content-length': String(length) }), ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Said\r\n${lines.join('')}\r\n${body}`;
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): string {
  return answer(status, JSON.stringify(body), { 'content-type': 'application/json', ...headers });
}

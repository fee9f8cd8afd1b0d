var __addDisposableResource = (this && this.__addDisposableResource) || function (env, value, async) {
    if (value !== null && value !== void 0) {
        if (typeof value !== "object" && typeof value !== "function") throw new TypeError("Object expected.");
        var dispose, inner;
        if (async) {
            if (!Symbol.asyncDispose) throw new TypeError("Symbol.asyncDispose is not defined.");
            dispose = value[Symbol.asyncDispose];
        }
        if (dispose === void 0) {
            if (!Symbol.dispose) throw new TypeError("Symbol.dispose is not defined.");
            dispose = value[Symbol.dispose];
            if (async) inner = dispose;
        }
        if (typeof dispose !== "function") throw new TypeError("Object not disposable.");
        if (inner) dispose = function() { try { inner.call(this); } catch (e) { return Promise.reject(e); } };
        env.stack.push({ value: value, dispose: dispose, async: async });
    }
    else if (async) {
        env.stack.push({ async: true });
    }
    return value;
};
var __disposeResources = (this && this.__disposeResources) || (function (SuppressedError) {
    return function (env) {
        function fail(e) {
            env.error = env.hasError ? new SuppressedError(e, env.error, "An error was suppressed during disposal.") : e;
            env.hasError = true;
        }
        var r, s = 0;
        function next() {
            while (r = env.stack.pop()) {
                try {
                    if (!r.async && s === 1) return s = 0, env.stack.push(r), Promise.resolve().then(next);
                    if (r.dispose) {
                        var result = r.dispose.call(r.value);
                        if (r.async) return s |= 2, Promise.resolve(result).then(next, function(e) { fail(e); return next(); });
                    }
                    else s |= 1;
                }
                catch (e) {
                    fail(e);
                }
            }
            if (s === 1) return env.hasError ? Promise.reject(env.error) : Promise.resolve();
            if (env.hasError) throw env.error;
        }
        return next();
    };
})(typeof SuppressedError === "function" ? SuppressedError : function (error, suppressed, message) {
    var e = new Error(message);
    return e.name = "SuppressedError", e.error = error, e.suppressed = suppressed, e;
});
/**
 * A service that hands the audit log through, of any size, with flat memory: whoever reads slowly slows the platform down,
 * and whoever leaves ends the download. Guide section 9.1.
 *
 *     export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
 *     npm run example audit-service 8080
 *     curl 'http://127.0.0.1:8080/audit.csv?start=2026-01-01T00:00:00Z&end=2026-02-01T00:00:00Z'
 *
 * Without BUD_BASE_URL it runs on a test server, reads from itself once, and ends.
 */
import { BudError } from 'bud-sdk-node';
import fastify from 'fastify';
import { connect } from './support/platform.js';
var platform, client, service, port, address;
const env_1 = { stack: [], error: void 0, hasError: false };
try {
    platform = __addDisposableResource(env_1, await connect(), true);
    ({ client } = platform);
    service = fastify();
    service.get('/audit.csv', async (request, reply) => {
        // What is wrong with the range shows before the answer begins; what breaks later breaks the answer off.
        const bytes = client.audit.export(request.query).readable();
        await new Promise((resolve, reject) => bytes.once('readable', resolve).once('error', reject));
        return reply.type('text/csv').send(bytes);
    });
    service.setErrorHandler((error, _, reply) => {
        if (!(error instanceof BudError))
            throw error;
        return reply.status(error.code === 'invalid_argument' ? 400 : 502).send({ error: error.message });
    });
    port = Number(platform.argument(1, 'a port', () => '0'));
    address = await service.listen({ host: '127.0.0.1', port });
    console.log(`The audit log is at ${address}/audit.csv`);
    if (platform.demo) {
        const range = new URLSearchParams({ start: '2026-01-01T00:00:00Z', end: '2026-02-01T00:00:00Z' });
        const answer = await fetch(`${address}/audit.csv?${range}`);
        const rows = (await answer.text()).trim().split('\n').length - 1;
        console.log(`${answer.status}: ${rows} rows`);
        const wrong = await fetch(`${address}/audit.csv?start=yesterday&end=today`);
        console.log(`${wrong.status}: ${await wrong.text()}`);
        await service.close();
    }
}
catch (e_1) {
    env_1.error = e_1;
    env_1.hasError = true;
}
finally {
    const result_1 = __disposeResources(env_1);
    if (result_1)
        await result_1;
}

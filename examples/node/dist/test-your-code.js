/**
 * Tests code that uses the SDK, without a platform: a small job, and what it does when things go wrong.
 *
 *     npm run example test-your-code
 *
 * The server is ten lines of node:http here; any stand-in that listens on this machine will do.
 */
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
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { Client, PermissionDeniedError } from 'bud-sdk-node';
/** The job: shuts a user out, and says whether there was something to do. */
async function offboard(client, email) {
    for await (const user of client.users.list({ search: email })) {
        if (user.email !== email)
            continue;
        await client.users.deactivate(user);
        return true;
    }
    return false;
}
/** A server that gives these answers, and a client of it. */
async function platform(answers) {
    const asked = [];
    const server = createServer((request, response) => {
        const line = `${request.method} ${request.url?.split('?')[0]}`;
        asked.push(line);
        const [status, body] = answers[line] ?? [404, { detail: 'there is no such thing' }];
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const baseUrl = `http://127.0.0.1:${server.address().port}`;
    return {
        client: new Client({ baseUrl, token: 'any', flavor: 'guide', attempts: 1 }),
        asked,
        async [Symbol.asyncDispose]() {
            server.closeAllConnections();
            server.close();
            await once(server, 'close');
        },
    };
}
const found = (email) => [200, { users: [{ id: 'u-1', email }], total_pages: 1 }];
test('shuts out the user with that address', async () => {
    const env_1 = { stack: [], error: void 0, hasError: false };
    try {
        const bud = __addDisposableResource(env_1, await platform({
            'GET /users': found('left@example.com'),
            'PUT /users/u-1': [200, { id: 'u-1', status: 'INACTIVE' }],
        }), true);
        assert.equal(await offboard(bud.client, 'left@example.com'), true);
        assert.deepEqual(bud.asked, ['GET /users', 'PUT /users/u-1']);
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
});
test('leaves others alone', async () => {
    const env_2 = { stack: [], error: void 0, hasError: false };
    try {
        const bud = __addDisposableResource(env_2, await platform({ 'GET /users': found('not-left@example.com') }), true);
        assert.equal(await offboard(bud.client, 'left@example.com'), false);
        assert.deepEqual(bud.asked, ['GET /users']);
    }
    catch (e_2) {
        env_2.error = e_2;
        env_2.hasError = true;
    }
    finally {
        const result_2 = __disposeResources(env_2);
        if (result_2)
            await result_2;
    }
});
test('says so when it may not', async () => {
    const env_3 = { stack: [], error: void 0, hasError: false };
    try {
        const bud = __addDisposableResource(env_3, await platform({
            'GET /users': found('left@example.com'),
            'PUT /users/u-1': [403, { detail: 'administrators only' }],
        }), true);
        await assert.rejects(offboard(bud.client, 'left@example.com'), PermissionDeniedError);
    }
    catch (e_3) {
        env_3.error = e_3;
        env_3.hasError = true;
    }
    finally {
        const result_3 = __disposeResources(env_3);
        if (result_3)
            await result_3;
    }
});

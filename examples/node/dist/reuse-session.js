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
 * Logs in once and goes on in the next program without a login. Guide section 3.1.
 *
 *     export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
 *     npm run example reuse-session
 *
 * Without BUD_BASE_URL it runs on a test server. The session is kept in ~/.bud/sessions, for its owner alone, and is removed
 * by the logout at the end.
 */
import { Client } from 'bud-sdk-node';
import { connect } from './support/platform.js';
var platform, demo, options, first, later, users;
const env_1 = { stack: [], error: void 0, hasError: false };
try {
    platform = __addDisposableResource(env_1, await connect(), true);
    ({ demo } = platform);
    options = demo ? { baseUrl: demo.url, email: demo.email, password: demo.password } : { env: true };
    // What a first program does.
    first = new Client({ ...options, rememberSession: true });
    await first.auth.login();
    console.log('logged in');
    // What a later program does: its first call needs no login.
    later = new Client({ ...options, rememberSession: true });
    users = await later.users.list().all();
    console.log(`${users.length} users, seen without another login`);
    // At the end of the day: the server forgets the session, and so does the disk.
    await later.auth.logout();
    console.log('logged out');
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

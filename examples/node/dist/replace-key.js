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
 * Replaces an API key without an hour in which there is none: the new one first. Guide section 9.3.
 *
 *     export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
 *     npm run example replace-key PROJECT_ID OLD_CREDENTIAL_ID FILE_FOR_THE_NEW_KEY
 *
 * Without BUD_BASE_URL it runs on a test server, and needs no arguments.
 */
import { open } from 'node:fs/promises';
import { connect } from './support/platform.js';
var platform, credentials, project, old, path, file;
const env_1 = { stack: [], error: void 0, hasError: false };
try {
    platform = __addDisposableResource(env_1, await connect(), true);
    ({ credentials } = platform.client);
    project = platform.argument(1, "the project's id", (demo) => demo.project);
    old = platform.argument(2, "the old credential's id", (demo) => demo.oldKey);
    path = platform.argument(3, 'a file for the new key', () => 'new-key');
    // The file comes first: the server shows a key only once, so there must be a place for it.
    file = await open(path, 'wx', 0o600);
    try {
        const { key } = await credentials.create({ name: `API Key of ${new Date().toISOString()}`, project });
        if (!key)
            throw new Error('the key came encrypted: make the client with its deploymentKey');
        await file.writeFile(key.expose());
        await file.sync();
        console.log(`A new key of ${key.expose().length} characters is in ${path}`);
    }
    finally {
        await file.close();
    }
    // Only now that the new key is safe; in production, only once its users have it.
    await credentials.delete(old);
    console.log('The old key is deleted');
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

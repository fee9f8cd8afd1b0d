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
 * Lets a user work on a project. Guide section 4.2.
 *
 *     export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
 *     npm run example grant-access user@example.com PROJECT_ID edit
 *
 * Without BUD_BASE_URL it runs on a test server, and needs no arguments.
 */
import { ConflictError } from 'bud-sdk-node';
import { connect } from './support/platform.js';
var platform, client, email, project, level, found, user;
const env_1 = { stack: [], error: void 0, hasError: false };
try {
    platform = __addDisposableResource(env_1, await connect(), true);
    ({ client } = platform);
    email = platform.argument(1, "the user's e-mail address", (demo) => demo.userEmail);
    project = platform.argument(2, "the project's id", (demo) => demo.project);
    level = platform.argument(3, 'a level: view, edit or admin', () => 'edit');
    // A search also finds longer addresses that contain this one.
    found = await client.users.list({ search: email }).all();
    user = found.find((user) => user.email?.toLowerCase() === email.toLowerCase());
    if (!user)
        throw new Error(`there is no user ${email}`);
    try {
        await client.permissions.grant(user, { resourceId: project, level });
        console.log('Granted.');
    }
    catch (error) {
        if (!(error instanceof ConflictError))
            throw error;
        console.log(`Nothing was changed: ${error.reason}`);
    }
    for await (const permission of client.permissions.list({ user })) {
        console.log(`${email}: ${permission.permissionLevel} on ${permission.resourceId}`);
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

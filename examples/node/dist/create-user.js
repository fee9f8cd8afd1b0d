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
 * Creates a user and makes him an administrator of projects. Guide sections 3.1 and 3.2.
 *
 *     export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
 *     npm run example create-user newuser@example.com New User
 *
 * Without BUD_BASE_URL it runs on a test server, and needs no arguments.
 */
import { ConflictError } from 'bud-sdk-node';
import { connect } from './support/platform.js';
var platform, client, email, firstName, lastName;
const env_1 = { stack: [], error: void 0, hasError: false };
try {
    platform = __addDisposableResource(env_1, await connect(), true);
    ({ client } = platform);
    email = platform.argument(1, "the new user's e-mail address", () => 'newuser@example.com');
    firstName = platform.argument(2, 'the first name', () => 'New');
    lastName = platform.argument(3, 'the last name', () => 'User');
    try {
        const { user } = await client.users.create({ email, firstName, lastName, role: 'USER' });
        console.log(`Created ${user.email} (${user.id})`);
        const { role } = await client.users.setRole(user, { role: 'PROJECT_ADMIN' });
        console.log(`The role is now ${role}`);
    }
    catch (error) {
        if (!(error instanceof ConflictError))
            throw error;
        console.log(`There is such a user already: ${error.reason}`);
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

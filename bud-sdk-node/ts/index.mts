// One copy of the package, however it is loaded: an error of `require` is an `instanceof` of what `import` gives.
export * from './index.js';

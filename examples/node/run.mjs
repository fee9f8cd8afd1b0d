// Runs one example: node run.mjs NAME [ARGUMENTS]

import { readdirSync } from 'node:fs';

const folder = new URL('./dist/', import.meta.url);
const names = readdirSync(folder).filter((file) => file.endsWith('.js')).map((file) => file.slice(0, -3));
const [, , name] = process.argv;
if (!names.includes(name)) {
  console.error(`Which one? ${names.join(', ')}`);
  process.exit(2);
}
process.argv.splice(1, 2, new URL(`${name}.js`, folder).pathname);
await import(process.argv[1]);

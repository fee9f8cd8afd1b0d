// Lays out the packages that are published: one with the TypeScript part, and one with the native part for each platform,
// of which npm installs the one that fits.
//
//   node scripts/release.mjs OUT                  OUT/bud-sdk-node, from dist/
//   node scripts/release.mjs OUT PLATFORM FILE    OUT/bud-sdk-node-PLATFORM, from a built library

import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PLATFORMS = {
  'linux-x64-gnu': { os: ['linux'], cpu: ['x64'], libc: ['glibc'] },
  'linux-arm64-gnu': { os: ['linux'], cpu: ['arm64'], libc: ['glibc'] },
  'linux-x64-musl': { os: ['linux'], cpu: ['x64'], libc: ['musl'] },
  'linux-arm64-musl': { os: ['linux'], cpu: ['arm64'], libc: ['musl'] },
  'darwin-x64': { os: ['darwin'], cpu: ['x64'] },
  'darwin-arm64': { os: ['darwin'], cpu: ['arm64'] },
  'win32-x64': { os: ['win32'], cpu: ['x64'] },
};

const home = join(dirname(fileURLToPath(import.meta.url)), '..');
const [, , out, platform, file] = process.argv;
const manifest = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
const { name, version, license, repository, engines } = manifest;

if (!out || (platform && (!PLATFORMS[platform] || !file))) {
  console.error(`usage: release.mjs OUT [PLATFORM FILE], for ${Object.keys(PLATFORMS).join(', ')}`);
  process.exit(2);
}

const folder = join(out, platform ? `${name}-${platform}` : name);
mkdirSync(folder, { recursive: true });
copyFileSync(join(home, '..', 'LICENSE'), join(folder, 'LICENSE'));
if (platform) {
  copyFileSync(file, join(folder, `${name}.node`));
  write({
    name: `${name}-${platform}`,
    version,
    description: `The native part of ${name} for ${platform}.`,
    license,
    repository,
    engines,
    main: `${name}.node`,
    files: [`${name}.node`],
    ...PLATFORMS[platform],
  });
} else {
  for (const part of ['dist', 'ts', 'README.md']) cpSync(join(home, part), join(folder, part), { recursive: true });
  const { scripts, devDependencies, files, ...rest } = manifest;
  const optionalDependencies = Object.fromEntries(Object.keys(PLATFORMS).map((name_) => [`${name}-${name_}`, version]));
  write({ ...rest, files: files.filter((part) => !part.endsWith('.node')), optionalDependencies });
}

function write(package_) {
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(package_, null, 2)}\n`);
}

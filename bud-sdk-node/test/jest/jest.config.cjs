module.exports = {
  testMatch: ['<rootDir>/*.spec.cjs'],
  moduleNameMapper: { '^bud-sdk-node$': '<rootDir>/../../dist/index.js' },
  // The sources are as Node runs them.
  transform: {},
};

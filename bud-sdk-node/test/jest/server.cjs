/** A server for one test file: it keeps what it was asked, and answers every user, or nothing on `/users/silent`. */

const { createServer } = require('node:http');

exports.serve = async () => {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (request.url === '/users/silent') return;
    const found = request.url === '/users/u-1';
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(found ? { id: 'u-1' } : { detail: 'User not found' }));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    asked,
    url: `http://127.0.0.1:${server.address().port}`,
    async asks(count) {
      while (asked.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
};

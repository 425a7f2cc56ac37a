// Loaded into JupyterHub's proxy before the proxy itself (node --require).
//
// Over Unix sockets the proxy asks for "Connection: close". The hub then closes once it has answered, and where that is
// before Node has ended the request, the end fails with EPIPE: about one POST in a hundred, logins among them, came
// back as 503. Connections are kept open instead, as the proxy's own agents keep those over TCP.
const http = require("http");

const agent = new http.Agent({ keepAlive: true });
const { request } = http;

http.request = (options, ...rest) => {
  if (options.socketPath && options.headers?.connection === "close") {
    options = { ...options, agent, headers: { ...options.headers, connection: "keep-alive" } };
  }
  return request(options, ...rest);
};

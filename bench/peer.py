"""A threaded JSON-RPC server over mutual TLS: one thread a connection, one
JSON object a line. The peer that Steth's calls are compared with."""
import json
import socketserver
import ssl
import sys
import threading


class Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        for line in self.rfile:
            call = json.loads(line)
            if call["method"] == "echo":
                answer = {"jsonrpc": "2.0", "id": call["id"], "result": call["params"]}
            else:
                answer = {"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32601, "message": "Method not found"}}
            self.wfile.write(json.dumps(answer).encode() + b"\n")
            self.wfile.flush()


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, bundle):
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.minimum_version = ssl.TLSVersion.TLSv1_3
        self.tls.load_cert_chain(bundle + "/cert.pem", bundle + "/key.pem")
        self.tls.load_verify_locations(bundle + "/ca.pem")
        self.tls.verify_mode = ssl.CERT_REQUIRED
        super().__init__(("127.0.0.1", 0), Handler)

    def get_request(self):
        sock, addr = super().get_request()
        return self.tls.wrap_socket(sock, server_side=True), addr

    def handle_error(self, request, client_address):
        pass


server = Server(sys.argv[1])
print("%s:%d" % server.server_address, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()

// wsload: an independent WebSocket load client for measuring servers on loopback. One thread, epoll.
//   wsload sink HOST PORT PATHFMT CONNS SECS [-first MSGFMT] [-window W] [-slow K] [-paths FILE]
//       opens CONNS sockets (W handshakes in flight), sends MSGFMT on each, prints READY, then for SECS seconds
//       counts every '"T":<monotonic seconds>' stamp in text frames and reports rate and latency; SIGTERM ends it earlier.
//       -slow K: the first K connections never read after the handshake.
//       -paths FILE: connection i asks for the path in line i, instead of PATHFMT (for tokens, one per connection).
//       -firsts FILE: connection i sends line i as its first frame, before MSGFMT (for commands that carry a token).
//   wsload echo HOST PORT PATHFMT CONNS SECS -body TEXT [-first MSGFMT] [-depth D] [-match S]
//       each connection keeps D text frames TEXT in flight; a frame that holds S (default: any frame) answers one.
// PATHFMT and MSGFMT may hold one %d, the connection's index. '{}' frames are answered as heartbeats, pings with pongs.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct { int fd, state, len, cap; long frames; double t0; unsigned char *buf; } Conn;  // state 0 new 1 handshaking 2 open 3 dead
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + t.tv_nsec * 1e-9; }
static int cmp(const void *a, const void *b) { double x = *(double *)a, y = *(double *)b; return x < y ? -1 : x > y; }
static double *lat, *hs; static long nlat, caplat = 30000000, nhs, frames, bytes, reads_, closed_, rejected, nopen; static double tfirst, tlast;
static const char *host, *pathf, *first, *body, *match; static int port, conns, window = 256, slow, depth = 1, echo, ep; static double secs; static Conn *cs; static char **paths, **firsts; static volatile sig_atomic_t ended;

static int frame(unsigned char *f, const char *m, int n) {
  int k = 0; f[k++] = 0x81;
  if (n < 126) f[k++] = 0x80 | n; else { f[k++] = 0x80 | 126; f[k++] = n >> 8; f[k++] = n & 255; }
  memset(f + k, 0, 4); k += 4; memcpy(f + k, m, n); return k + n;
}
static void put(Conn *c, const char *m, int n) { unsigned char f[66000]; int k = frame(f, m, n); if (send(c->fd, f, k, MSG_NOSIGNAL) != k && errno != EPIPE && errno != ECONNRESET) perror("send"); }
static void start(int i) {
  Conn *c = &cs[i]; c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0); if (c->fd < 0) { perror("socket"); exit(1); }
  int one = 1; setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct sockaddr_in s = {.sin_family = AF_INET}; s.sin_addr.s_addr = htonl(0x7f000001 + i / 20000); bind(c->fd, (void *)&s, sizeof s);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)}; inet_pton(AF_INET, host, &a.sin_addr);
  if (connect(c->fd, (void *)&a, sizeof a) && errno != EINPROGRESS) { perror("connect"); exit(1); }
  c->state = 1; c->t0 = now(); c->cap = 4096; c->buf = malloc(c->cap); c->len = -1;
  struct epoll_event e = {.events = EPOLLOUT, .data.u32 = i}; epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
}
static void drop(Conn *c) { epoll_ctl(ep, EPOLL_CTL_DEL, c->fd, 0); close(c->fd); c->state = 3; }
static void feed(Conn *c, int i, double t) {
  if (c->state == 1) {
    unsigned char *e = memmem(c->buf, c->len, "\r\n\r\n", 4); if (!e) return;
    if (memcmp(c->buf, "HTTP/1.1 101", 12)) { if (!rejected++) fprintf(stderr, "rejected: %.160s\n", c->buf); drop(c); return; }
    int h = e + 4 - c->buf; memmove(c->buf, c->buf + h, c->len - h); c->len -= h; c->state = 2; hs[nhs++] = t - c->t0; nopen++;
    if (firsts) put(c, firsts[i], strlen(firsts[i]));
    if (first) { char m[4096]; put(c, m, snprintf(m, sizeof m, first, i)); }
    if (i < slow) { epoll_ctl(ep, EPOLL_CTL_DEL, c->fd, 0); return; }
  }
  int p = 0;
  while (c->len - p >= 2) {
    unsigned char *b = c->buf + p; long pl = b[1] & 127; int hl = 2;
    if (pl == 126) { if (c->len - p < 4) break; pl = b[2] << 8 | b[3]; hl = 4; }
    else if (pl == 127) { if (c->len - p < 10) break; pl = 0; for (int q = 2; q < 10; q++) pl = pl << 8 | b[q]; hl = 10; }
    if (c->len - p < hl + pl) { if (hl + pl > c->cap) { c->cap = hl + pl + 4096; c->buf = realloc(c->buf, c->cap); } break; }
    int op = b[0] & 15;
    if (op == 1 || op == 2) {
      char *s = (char *)b + hl, *e = s + pl; long n = 0;
      if (pl == 2 && s[0] == '{' && s[1] == '}') put(c, "{}", 2);
      else if (echo) { if (!match || memmem(s, pl, match, strlen(match))) { n = 1; if (nlat < caplat) lat[nlat++] = t - c->t0; c->t0 = t; put(c, body, strlen(body)); } }
      else while ((s = memmem(s, e - s, "\"T\":", 4))) { s += 4; double st = strtod(s, 0); n++; if (nlat < caplat) lat[nlat++] = t - st; }
      if (n) { frames += n; c->frames += n; if (!tfirst) tfirst = t; tlast = t; }
    } else if (op == 9) { unsigned char f[140] = {0x8a, 0x80 | pl}; memcpy(f + 6, b + hl, pl); if (send(c->fd, f, 6 + pl, MSG_NOSIGNAL) < 0) {} }
    p += hl + pl;
  }
  memmove(c->buf, c->buf + p, c->len - p); c->len -= p;
}
static void step(int timeout) {
  static struct epoll_event ev[1024]; int k = epoll_wait(ep, ev, 1024, timeout); double t = now();
  for (int j = 0; j < k; j++) {
    int i = ev[j].data.u32; Conn *c = &cs[i]; if (c->state == 3) continue;
    if (c->len < 0) {
      int err = 0; socklen_t l = sizeof err; getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &l);
      if (err) { if (!rejected++) fprintf(stderr, "connect: %s\n", strerror(err)); drop(c); continue; }
      char path[1024], r[2048]; if (paths) snprintf(path, sizeof path, "%s", paths[i]); else snprintf(path, sizeof path, pathf, i);
      int n = snprintf(r, sizeof r, "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", path, host, port);
      if (send(c->fd, r, n, MSG_NOSIGNAL) != n) { rejected++; drop(c); continue; }
      c->len = 0; struct epoll_event e = {.events = EPOLLIN, .data.u32 = i}; epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e); continue;
    }
    int n = recv(c->fd, c->buf + c->len, c->cap - c->len, 0);
    if (n <= 0) { if (n < 0 && errno == EAGAIN) continue; if (c->state == 1) rejected++; else { closed_++; nopen--; } drop(c); continue; }
    reads_++; bytes += n; c->len += n; feed(c, i, t);
    if (c->state == 2 && c->len == c->cap) { c->cap *= 2; c->buf = realloc(c->buf, c->cap); }
  }
}
static void end(int signal) { (void)signal; ended = 1; }
static char **read_lines(const char *name) {
  FILE *f = fopen(name, "r"); if (!f) { perror(name); exit(2); }
  char **lines = calloc(conns, sizeof *lines); size_t cap = 0;
  for (int i = 0; i < conns; i++) { ssize_t n = getline(&lines[i], &cap, f); if (n <= 0) { fprintf(stderr, "%s: fewer lines than connections\n", name); exit(2); } lines[i][n - 1] = 0; cap = 0; }
  fclose(f); return lines;
}
int main(int ac, char **av) {
  if (ac < 7) { fprintf(stderr, "see the comment at the top of wsload.c\n"); return 2; }
  echo = !strcmp(av[1], "echo"); host = av[2]; port = atoi(av[3]); pathf = av[4]; conns = atoi(av[5]); secs = atof(av[6]);
  for (int i = 7; i + 1 < ac; i += 2) {
    if (!strcmp(av[i], "-first")) first = av[i + 1]; else if (!strcmp(av[i], "-window")) window = atoi(av[i + 1]); else if (!strcmp(av[i], "-slow")) slow = atoi(av[i + 1]);
    else if (!strcmp(av[i], "-paths")) paths = read_lines(av[i + 1]); else if (!strcmp(av[i], "-firsts")) firsts = read_lines(av[i + 1]);
    else if (!strcmp(av[i], "-body")) body = av[i + 1]; else if (!strcmp(av[i], "-depth")) depth = atoi(av[i + 1]); else if (!strcmp(av[i], "-match")) match = av[i + 1];
  }
  struct rlimit rl; getrlimit(RLIMIT_NOFILE, &rl); rl.rlim_cur = rl.rlim_max; setrlimit(RLIMIT_NOFILE, &rl);
  cs = calloc(conns, sizeof *cs); hs = malloc(conns * 8 + 8); lat = malloc(caplat * 8); ep = epoll_create1(0);
  double t0 = now(); int next = 0;
  while (nhs + rejected < conns) { while (next < conns && next - nhs - rejected < window) start(next++); step(1000); if (now() - t0 > 120) break; }
  double dt = now() - t0; qsort(hs, nhs, 8, cmp);
  fprintf(stderr, "open %ld rejected %ld in %.3f s = %.0f/s; handshake ms p50 %.1f p99 %.1f max %.1f\n", nhs, rejected, dt, nhs / dt, nhs ? hs[nhs / 2] * 1e3 : 0, nhs ? hs[(long)(nhs * .99)] * 1e3 : 0, nhs ? hs[nhs - 1] * 1e3 : 0);
  signal(SIGTERM, end); printf("READY\n"); fflush(stdout);
  if (echo) { for (double e = now() + 0.5; now() < e;) step(50); frames = nlat = 0; for (int i = 0; i < conns; i++) if (cs[i].state == 2) { cs[i].t0 = now(); for (int d = 0; d < depth; d++) put(&cs[i], body, strlen(body)); } }
  for (double last = now() + secs; now() < last && !ended;) step(100);
  qsort(lat, nlat, 8, cmp); long mn = 1L << 60, mx = 0;
  for (int i = slow; i < conns; i++) { if (cs[i].state != 2) continue; if (cs[i].frames < mn) mn = cs[i].frames; if (cs[i].frames > mx) mx = cs[i].frames; }
  double span = echo ? secs : tlast - tfirst;
  printf("conns %ld msgs %ld bytes %ld reads %ld closed %ld span %.3f s rate %.0f msg/s per-conn min %ld max %ld latency ms p50 %.3f p99 %.3f max %.3f\n", nopen, frames, bytes, reads_, closed_, span, span > 0 ? frames / span : 0, mn == 1L << 60 ? 0 : mn, mx, nlat ? lat[nlat / 2] * 1e3 : 0, nlat ? lat[(long)(nlat * .99)] * 1e3 : 0, nlat ? lat[nlat - 1] * 1e3 : 0);
  return 0;
}

// floor: the least that any server must do, in C: a bare loop of send(). One thread, epoll.
//   floor PORT FEED
//       accepts WebSocket upgrades on 127.0.0.1:PORT without judging them, and one publisher at a time on the Unix
//       socket FEED. Each message of the feed is an int32 target, a uint32 length and that many bytes of text (both
//       numbers in the machine's own order). The text goes out as one frame: to the connection that asked for
//       "user=<target>" in its request, or to every connection where the target is -1.
// What a client sends after its request is read and dropped. A socket that would block loses the frame: it is counted,
// and the count is printed at SIGTERM, since a floor that drops would flatter itself.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
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
#include <sys/un.h>
#include <unistd.h>

enum { MOST = 65536, TEXT = 60000 };
static const char reply[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"; // wsload sends RFC 6455's example key
static int ep, members[MOST], nmembers, place[MOST], by_user[MOST], user_of[MOST], opened[MOST];
static long dropped;
static volatile sig_atomic_t ended;

static void end(int signal) { (void)signal; ended = 1; }
static void die(const char *what) { perror(what); exit(1); }
static void watch(int fd) {
  struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e)) die("epoll_ctl");
}
static void deliver(int fd, const unsigned char *frame, int size) {
  if (send(fd, frame, size, MSG_NOSIGNAL | MSG_DONTWAIT) != size) dropped++;
}
static void publish(int32_t target, const unsigned char *text, uint32_t size) {
  unsigned char frame[TEXT + 4];
  int head = 0;
  frame[head++] = 0x81;
  if (size < 126) frame[head++] = size;
  else { frame[head++] = 126; frame[head++] = size >> 8; frame[head++] = size & 255; }
  memcpy(frame + head, text, size);
  if (target >= 0) { if (target < MOST && by_user[target]) deliver(by_user[target], frame, head + size); return; }
  for (int i = 0; i < nmembers; i++) deliver(members[i], frame, head + size);
}
static void leave(int fd) {
  close(fd);
  if (!opened[fd]) return;
  opened[fd] = 0;
  members[place[fd]] = members[--nmembers];
  place[members[place[fd]]] = place[fd];
  if (user_of[fd] >= 0) by_user[user_of[fd]] = 0;
}
static void client(int fd) {
  char head[4096];
  int n = recv(fd, head, sizeof head - 1, MSG_DONTWAIT);
  if (n <= 0) { if (n == 0 || errno != EAGAIN) leave(fd); return; }
  if (opened[fd]) return;
  head[n] = 0; // wsload's whole request comes in one segment
  char *user = strstr(head, "user=");
  user_of[fd] = user ? atoi(user + 5) % MOST : -1;
  if (user) by_user[user_of[fd]] = fd;
  opened[fd] = 1; place[fd] = nmembers; members[nmembers++] = fd;
  if (send(fd, reply, sizeof reply - 1, MSG_NOSIGNAL) < 0) leave(fd);
}
static int feed(int fd) { // the publisher's socket; false when it has left
  static unsigned char buffer[1 << 20];
  static int have;
  int n = recv(fd, buffer + have, sizeof buffer - have, MSG_DONTWAIT), at = 0;
  if (n <= 0) { have = 0; return n < 0 && errno == EAGAIN; }
  have += n;
  while (have - at >= 8) {
    int32_t target; uint32_t size;
    memcpy(&target, buffer + at, 4); memcpy(&size, buffer + at + 4, 4);
    if (size > TEXT) { fprintf(stderr, "floor: a text of %u bytes is too long\n", size); exit(1); }
    if (have - at < 8 + (int)size) break;
    publish(target, buffer + at + 8, size);
    at += 8 + size;
  }
  memmove(buffer, buffer + at, have - at); have -= at;
  return 1;
}
int main(int ac, char **av) {
  if (ac != 3) { fprintf(stderr, "see the comment at the top of floor.c\n"); return 2; }
  struct rlimit most; getrlimit(RLIMIT_NOFILE, &most); most.rlim_cur = most.rlim_max; setrlimit(RLIMIT_NOFILE, &most);
  struct sigaction stop = {.sa_handler = end}; sigaction(SIGTERM, &stop, 0);
  ep = epoll_create1(0);
  int one = 1, door = socket(AF_INET, SOCK_STREAM, 0), hatch = socket(AF_UNIX, SOCK_STREAM, 0), publisher = -1;
  setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(av[1])), .sin_addr.s_addr = htonl(0x7f000001)};
  struct sockaddr_un un = {.sun_family = AF_UNIX}; strncpy(un.sun_path, av[2], sizeof un.sun_path - 1); unlink(av[2]);
  if (bind(door, (void *)&at, sizeof at) || listen(door, 4096)) die("the client port");
  if (bind(hatch, (void *)&un, sizeof un) || listen(hatch, 1)) die("the feed's socket");
  watch(door); watch(hatch);
  for (struct epoll_event events[512]; !ended;) {
    int n = epoll_wait(ep, events, 512, -1);
    for (int i = 0; i < n; i++) {
      int fd = events[i].data.fd;
      if (fd == door) {
        int c = accept4(door, 0, 0, SOCK_NONBLOCK);
        if (c < 0) continue;
        if (c >= MOST) { close(c); continue; }
        setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        watch(c);
      } else if (fd == hatch) { publisher = accept(hatch, 0, 0); watch(publisher); }
      else if (fd == publisher) { if (!feed(fd)) { close(fd); publisher = -1; } }
      else client(fd);
    }
  }
  printf("dropped %ld\n", dropped);
  return 0;
}

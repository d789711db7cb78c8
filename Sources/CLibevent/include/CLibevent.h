// libevent 2.1 for Swift: event loop, buffers, HTTP, TLS, DNS.
#ifndef GW_CLIBEVENT_H
#define GW_CLIBEVENT_H

// First: libevent defines _GNU_SOURCE, which would make system types differ from those of other modules.
#include <stdint.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <event2/thread.h>
#include <event2/util.h>
#include <stdbool.h>

/// A one-shot or repeating (EV_PERSIST in flags) timer; evtimer_new is a macro.
struct event *gw_event_timer(struct event_base *base, short flags, event_callback_fn callback, void *context);
/// event_add with the time limit in milliseconds; negative means none.
int gw_event_add_ms(struct event *event, int64_t timeout_ms);
/// The text of libevent's last socket error on this thread.
const char *gw_event_socket_error(void);
/// A TCP listener on a numeric address ("127.0.0.1", "::1"); port 0 lets the kernel choose. NULL and errno on failure.
struct evconnlistener *gw_event_listen_tcp(struct event_base *base, evconnlistener_cb callback, void *context,
                                           const char *address, uint16_t port);
/// The local port of a bound socket, 0 on failure.
uint16_t gw_event_local_port(evutil_socket_t fd);
/// Whether the text is an IPv4 or IPv6 address.
bool gw_event_is_address(const char *text);

#endif

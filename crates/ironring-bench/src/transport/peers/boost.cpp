// Boost.Interprocess's message_queue for boost.rs: what it throws comes back as a text.

#include <boost/interprocess/ipc/message_queue.hpp>

#include <cstddef>
#include <cstring>
#include <exception>

using boost::interprocess::message_queue;

namespace {

// As in boost.rs.
constexpr std::size_t WHY = 256;
enum : int { FAILED = -1, NOT_NOW = 0, DONE = 1 };

void tell(char *why, const char *what) noexcept {
    std::strncpy(why, what, WHY - 1);
    why[WHY - 1] = 0;
}

// No exception passes through this.
template <class Call>
int attempt(char *why, Call call) noexcept {
    try {
        return call() ? DONE : NOT_NOW;
    } catch (const std::exception &error) {
        tell(why, error.what());
    } catch (...) {
        tell(why, "an exception that is none of the standard library's");
    }
    return FAILED;
}

} // namespace

extern "C" {

int ironring_boost_create(const char *name, std::size_t messages, std::size_t size, char *why) {
    return attempt(why, [&] {
        message_queue(boost::interprocess::create_only, name, messages, size);
        return true;
    });
}

int ironring_boost_remove(const char *name) { return message_queue::remove(name) ? DONE : NOT_NOW; }

int ironring_boost_open(const char *name, message_queue **queue, char *why) {
    return attempt(why, [&] {
        *queue = new message_queue(boost::interprocess::open_only, name);
        return true;
    });
}

void ironring_boost_close(message_queue *queue) { delete queue; }

int ironring_boost_send(message_queue *queue, const void *message, std::size_t size, int waits, char *why) {
    return attempt(why, [&] {
        if (!waits)
            return queue->try_send(message, size, 0);
        queue->send(message, size, 0);
        return true;
    });
}

int ironring_boost_recv(message_queue *queue, void *into, std::size_t room, std::size_t *size, int waits,
                        char *why) {
    return attempt(why, [&] {
        unsigned priority;
        if (!waits)
            return queue->try_receive(into, room, *size, priority);
        queue->receive(into, room, *size, priority);
        return true;
    });
}

} // extern "C"

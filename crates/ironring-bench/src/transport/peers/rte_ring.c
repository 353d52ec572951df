// DPDK's rte_ring for rte_ring.rs: most of it is inline functions of its headers.

#include <rte_config.h>

#include <rte_ring.h>
#include <rte_ring_elem.h>

// Bytes of a ring of so many elements; negative if there can be no such one.
ssize_t ironring_rte_bytes(unsigned size, unsigned count) { return rte_ring_get_memsize_elem(size, count); }

// Makes a ring of memory that has as many bytes, for one producer and one consumer. DPDK's environment need not be
// there: what finds rings by their names is not used.
int ironring_rte_init(void *at, unsigned count) {
    return rte_ring_init(at, "ironring-bench", count, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

// Puts in what there is room for; returns how many.
unsigned ironring_rte_send(void *ring, const void *messages, unsigned size, unsigned count) {
    return rte_ring_sp_enqueue_burst_elem(ring, messages, size, count, NULL);
}

// Takes out what is there, at most `count`; returns how many.
unsigned ironring_rte_recv(void *ring, void *into, unsigned size, unsigned count) {
    return rte_ring_sc_dequeue_burst_elem(ring, into, size, count, NULL);
}

//! Copies between private memory and memory that other processes may write.

pub(crate) unsafe fn into_shared(src: *const u8, dst: *mut u8, len: usize) {
    unsafe { core::ptr::copy_nonoverlapping(src, dst, len) }
}
pub(crate) unsafe fn out_of_shared(src: *const u8, dst: *mut u8, len: usize) {
    unsafe { core::ptr::copy_nonoverlapping(src, dst, len) }
}
pub(crate) fn prefetch_write(_at: *const u8) {}

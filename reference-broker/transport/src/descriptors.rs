//! Room for many sockets, made before they come.

/// Beyond this many the table is left to grow by itself: it takes eight bytes of kernel memory for each.
#[cfg(target_os = "linux")]
const MOST: usize = 65_536;

/// Makes room in this process's table of open files for about `count`, 65,536 at most.
///
/// Linux doubles the table when it is full, and in a process with several threads each doubling waits until no processor
/// looks at the old one: ten milliseconds or more in which a thread that accepts does nothing else. On other systems, and
/// when the limit of open files is lower, nothing happens.
pub fn reserve_descriptors(count: usize) {
    #[cfg(target_os = "linux")]
    {
        let last = i32::try_from(count.min(MOST).saturating_sub(1)).unwrap_or(0);
        // The table grows for the copy and keeps its size when that is closed again.
        let _closed = std::fs::File::open("/dev/null").map(|file| rustix::io::fcntl_dupfd_cloexec(file, last));
    }
    #[cfg(not(target_os = "linux"))]
    let _ = count;
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_room_before_the_sockets_come() {
        reserve_descriptors(900);
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let size = status.lines().find_map(|line| line.strip_prefix("FDSize:")).unwrap();
        assert!(size.trim().parse::<usize>().unwrap() >= 900, "{size}");
    }
}

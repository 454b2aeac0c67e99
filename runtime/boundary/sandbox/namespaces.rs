//! Namespaces with nothing in them.

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{pivot_root, sethostname};

use super::layer::Failed;

/// Folders of which one is there on every system: the empty root is mounted over it for a moment.
const PLACES: [&str; 3] = ["/proc", "/tmp", "/dev"];

/// Namespaces of its own, for this process but for that of processes, which its children are in; and an empty root. No user of
/// the system is mapped into the user namespace: who is in it is nobody.
pub(super) fn enter() -> Result<(), Failed> {
    let all = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWCGROUP;
    unshare(all).map_err(Failed::at("namespaces of its own to an ordinary user"))?;
    // The host's is copied.
    sethostname("agent").map_err(Failed::at("a host name of its own"))?;
    empty_root().map_err(Failed::at("an empty root in a mount namespace of its own"))
}

fn empty_root() -> nix::Result<()> {
    let none = None::<&str>;
    // Nothing of this is seen outside.
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let place = PLACES.iter().find(|place| std::path::Path::new(place).is_dir());
    let place = *place.unwrap_or(&PLACES[0]);
    mount(
        Some("tmpfs"),
        place,
        Some("tmpfs"),
        flags,
        Some("size=4k,nr_inodes=1,mode=555"),
    )?;
    nix::unistd::chdir(place)?;
    // The former root lies over the new one then, and is taken away.
    pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    nix::unistd::chdir("/")?;
    let again = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | flags;
    mount(none, "/", none, again, none)
}

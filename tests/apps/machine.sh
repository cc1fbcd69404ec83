# Runs a Debian with a systemd of its own, from the archive of a root that is named, until standard input ends. It shares
# the network and the kernel's settings with this system, and may write neither these nor anything else outside of its own
# root. Says the process id of its systemd. Runs as root, in a mount namespace of its own.
set -eu
root=$(mktemp -d)
groups=$(mktemp -d)
group=$groups/sendit-test-$$
mount -t cgroup2 cgroup2 "$groups"
mkdir "$group"
tar -xf "$1" -C "$root" --exclude='./dev/*'

# What runs in there, once its process ids, mounts and the rest are its own; the group that it is in is the root of all.
inside='
set -eu
cd "$1"
read -r id rest </proc/self/stat
mount --bind . .
cd "$1"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
    : >dev/$device
    mount --bind /dev/$device dev/$device
done
mkdir dev/shm dev/pts
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
pivot_root . mnt
cd /
umount -l /mnt
# Services see what is mounted for them.
mount --make-rshared /
echo "$id"
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=null --show-status=no
'
sh -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$group" \
    unshare --fork --kill-child=KILL --pid --mount --ipc --uts --cgroup sh -c "$inside" sh "$root" </dev/null &
cat >/dev/null
kill -KILL $!
# What ran in there dies with its first process, but not at once.
while grep -q '^populated 1' "$group/cgroup.events"; do sleep 0.1; done
find "$group" -depth -type d -exec rmdir {} +
umount "$groups"
rm -r --one-file-system "$root" "$groups"

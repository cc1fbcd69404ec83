# What Homebrew installs, from the archives of the release. It is written by `cargo xtask dist recipes`.
class Sendit < Formula
  desc "@description@"
  homepage "@home@"
  version "@version@"
  license "@license@"

  on_macos do
    on_arm do
      url "@url@/sendit-@version@-aarch64-apple-darwin.tar.gz"
      sha256 "@aarch64-apple-darwin@"
    end
    on_intel do
      url "@url@/sendit-@version@-x86_64-apple-darwin.tar.gz"
      sha256 "@x86_64-apple-darwin@"
    end
  end

  on_linux do
    on_arm do
      url "@url@/sendit-@version@-aarch64-unknown-linux-musl.tar.gz"
      sha256 "@aarch64-unknown-linux-musl@"
    end
    on_intel do
      url "@url@/sendit-@version@-x86_64-unknown-linux-musl.tar.gz"
      sha256 "@x86_64-unknown-linux-musl@"
    end
  end

  def install
    bin.install "sendit"
    bin.install_symlink "sendit" => "sendit-server"
    bin.install_symlink "sendit" => "sendit-token"
    man1.install Dir["man/*.1"]
    bash_completion.install "completions/sendit.bash" => "sendit"
    fish_completion.install "completions/sendit.fish"
    zsh_completion.install "completions/_sendit"
  end

  test do
    assert_equal "sendit @version@", shell_output("#{bin}/sendit --version").strip
  end
end

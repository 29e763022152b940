"""The check of the classes' sizes counts what it is there to count."""

import pytest

from check_classes import FILES_MAX, LINES_MAX, classes_in, classes_of, too_full, too_large, too_long, tree_of, twice


def counted(text):
    """{name: (methods, members, bools)}"""
    return {name: tuple(found.values()) for name, found in classes_in(tree_of(text))}


def inside(text):
    return counted(f"class C {{\n{text}\n}};")["C"]


@pytest.mark.parametrize("line", [
    "void f();", "C(int a);", "~C();", "explicit C(int a) : a_(a) {}", "int f() const noexcept { return a_; }",
    "C(int a, int b) : a_{a}, b_{b} {}", "C(A a) : a_{a}, base<int>{1} { if (a) { f(); } }", "virtual void f() = 0;",
    "static std::map<int, bool> f(int a = 1, bool b = false);", "std::function<void(int)> f() const { return {}; }",
    "bool operator==(const C& other) const;", "C& operator=(C&& other) noexcept { return *this; }",
    "bool operator()(int a) const { return a < 1; }", "bool operator<(const C& other) const { return a_ < other.a_; }",
    "explicit operator bool() const { return true; }", "[[nodiscard]] bool f();", "template <class T> void f(T&& given);",
    "public: void f();", "auto f() -> std::optional<int> { return {}; }", "constexpr bool f() const { return true; }",
    "void f() { const std::string text = \"};\"; char c = '}'; /* } */ }", "bool f(bool a, bool b);",
])
def test_a_method(line):
    assert inside(line) == (1, 0, 0)


@pytest.mark.parametrize("line", [
    "int a_;", "int a_ = 0;", "int a_{0};", "std::map<std::string, std::vector<int>> a_;", "mutable std::mutex a_;",
    "std::function<void(int, bool)> a_;", "const A& a_;", "std::array<int, 2> a_{{1, 2}};", "seconds a_ = seconds(1);",
    "alignas(64) std::uint64_t a_ = 0;", "std::optional<std::pair<int, int>> a_ = std::pair<int, int>(1, 2);",
    "private: int a_ = 1 << 4;", "std::size_t a_ = 16'384;  // bool b_;", "[[maybe_unused]] int a_;", "decltype(f()) a_;",
    "struct { int b; } a_;", "struct stat a_{};", "std::vector<bool> a_;",
])
def test_a_member(line):
    assert inside(line) == (0, 1, 0)


@pytest.mark.parametrize("line, bools", [
    ("bool a_;", 1), ("bool a_ = false;", 1), ("bool a_{false};", 1), ("bool a_, b_;", 2), ("bool a_ = false, b_ = true;", 2),
    ("mutable bool a_ = f(1, 2);", 1), ("const bool a_;", 1), ("std::atomic<bool> a_{false};", 1), ("bool a_ : 1;", 1),
    ("bool a_ = less<1, 2>(3, 4);", 1), ("bool a_ = 1 < 2;", 1),
])
def test_a_bool(line, bools):
    assert inside(line) == (0, bools, bools)


@pytest.mark.parametrize("line", [
    "C() = default;", "C(const C&) = delete;", "bool operator==(const C&) const = default;", "static constexpr bool on = true;",
    "using F = std::function<void(int)>;", "enum class E : std::uint8_t { one, two };", "friend class D;",
    "friend bool operator==(const C&, const C&);", "static_assert(sizeof(int) == 4);", "class D;", "// void f();",
    "/* bool a_; */", "#if defined(X) && \\\n    Y(1)", "template <class T> class D;", "public:", ";",
])
def test_neither(line):
    assert inside(line) == (0, 0, 0)


def test_nested_classes_count_for_themselves():
    text = """
    namespace pgweir::net {
    class Outer final : public Base<int> {
     public:
      struct Entry {
        bool a = false;
        bool b = false;
      };
      Entry entry_;
    };
    struct Outer::Later { void f(); };
    template <class T>
    struct Outer::Of<T> { T value; };
    }
    """
    assert counted(text) == {"Outer": (0, 1, 0), "Outer::Entry": (0, 2, 2), "Outer::Later": (1, 0, 0), "Outer::Of<>": (0, 1, 0)}


def test_classes_inside_of_functions_are_found():
    text = "extern \"C\" { int f(struct tm* t) { if (t) { struct Case { bool a, b; } cases[] = {{true, false}}; } return 0; }}"
    assert counted(text) == {"Case": (0, 2, 2)}


def test_what_is_no_class():
    assert not counted("enum class E { a }; class Forward; struct tm f() { return {}; } template <class T> T g() { return {}; }")


def sized(bools):
    return [("proxy/a.hpp", "C", {"methods": 40, "members": 30, "bools": bools})]


def test_the_limits():
    assert not list(too_large(sized(3), {}))
    assert list(too_large(sized(4), {})) == ["proxy/a.hpp: C has 4 bools, more than 3"]


def test_what_is_still_above_stays_as_it_is():
    allowed = {"C": {"bools": 5}}
    assert not list(too_large(sized(5), allowed))
    assert list(too_large(sized(6), allowed)) == ["proxy/a.hpp: C has 6 bools, more than 5"]
    assert list(too_large(sized(4), allowed)) == ["STILL_ABOVE lets C have 5 bools: it has 4, lower that or delete it"]
    assert list(too_large([], allowed))
    assert list(too_large(sized(3), {"C": {"bools": 3}}))


def test_a_folder_that_is_full(tmp_path):
    room = tmp_path / "proxy" / "pool"
    room.mkdir(parents=True)
    for number in range(FILES_MAX):
        (room / f"{number}.hpp").write_text(f"struct C{number} {{ int a; }};\n")
    assert not list(too_full(tmp_path)) and len(list(classes_of(tmp_path))) == FILES_MAX
    (room / "page.js").write_text("")
    assert list(too_full(tmp_path)) == [f"proxy/pool/: holds {FILES_MAX + 1} files, more than {FILES_MAX}"]


def test_header_and_source_of_the_session_are_counted_together(tmp_path):
    folder = tmp_path / "proxy" / "session"
    folder.mkdir(parents=True)
    (folder / "session.hpp").write_text("\n" * 100)
    (folder / "session.cpp").write_text("\n" * (LINES_MAX - 100))
    assert not list(too_long(tmp_path))
    (folder / "session.cpp").write_text("\n" * (LINES_MAX - 99))
    assert list(too_long(tmp_path)) == [
        f"proxy/session/session: header and source have {LINES_MAX + 1} lines, more than {LINES_MAX}"]


def test_two_classes_of_one_name_in_a_namespace(tmp_path):
    """As Listener once was: one took connections, the other listened to channels."""
    for room, space in (("session", "pgweir"), ("process", "pgweir"), ("aws", "pgweir::aws")):
        (tmp_path / "proxy" / room).mkdir(parents=True)
        (tmp_path / "proxy" / room / "listener.hpp").write_text(f"namespace {space} {{\nclass Listener {{ int a; }};\n}}\n")
    assert list(twice(tmp_path, classes_of(tmp_path))) == [
        "pgweir::Listener is defined in proxy/process/listener.hpp and proxy/session/listener.hpp: "
        "give one of them another name"]

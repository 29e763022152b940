#include "proxy/code/session_globals.hpp"

#include <catch2/catch.hpp>

using namespace pgweir;

TEST_CASE("code that names what its language keeps for the session may keep something there") {
  const auto [language, body] = GENERATE(table<const char*, const char*>({
      {"plperl", "$_SHARED{tenant} = $_[0]; return;"},
      {"plperlu", "return $_SHARED{tenant};"},
      {"plperl", "my %copy = %_SHARED;"},
      {"plperl", "our $last = shift;"},
      {"plperl", "use vars qw($last);"},
      {"plperl", "$main::last = shift;"},
      {"plpython3u", "GD['tenant'] = tenant"},
      {"plpythonu", "if 'plan' in SD: pass"},
      {"plpython3u", "global last\nlast = 1"},
      {"plpython3u", "globals()['last'] = 1"},
      {"pltcl", "set GD(last) $1"},
      {"pltclu", "return $GD(last)"},
      {"pltcl", "global last; set last $1"},
      {"pltcl", "upvar #0 last here"},
      {"pltcl", "set ::last $1"},
      {"plv8", "this.last = tenant;"},
      {"plv8", "globalThis.last = tenant;"},
      {"plv8", "plv8.last = tenant;"},
      {"plv8", "plv8['last'] = tenant;"},
      {"plcoffee", "@last = tenant"},
      {"plrust", "static LAST: AtomicI32 = AtomicI32::new(0);"},
      {"plperl", "*tenant = sub { 'a' };"},
      {"plperl", "$, = $_[0] if $_[0];"},
      {"plperl", "$/= undef;"},
      {"plpython3u", "plpy.tenant = tenant"},
      {"plpython3u", "import os\nos.environ['TENANT'] = tenant"},
      {"plpython3u", "decimal.getcontext().prec = 7"},
      {"plpython3u", "setattr(plpy, 'tenant', tenant)"},
      {"pltcl", "proc tenant {} { return 1 }"},
      {"pltcl", "namespace eval here { set x 1 }"},
      {"plr", "1"},
      {"pljava", ""},
      {"plperlish", "::"},
  }));
  INFO(language << ": " << body);
  CHECK(may_keep_globals(language, body));
}

TEST_CASE("other code of languages that are known keeps nothing") {
  const auto [language, body] = GENERATE(table<const char*, const char*>({
      {"plperl", ""},
      {"plperl", "my ($a, $b) = @_; return $a > $b ? $a : $b;"},
      {"plperl", "return 'four hours';"},
      {"plperl", "local $, = '-'; return join('', @_);"},
      {"plperl", "return $x * $y == 4 ? 'a' : 'b';"},
      {"plperl", "my $c = $a*$b; return $c =~ /end$/ ? 1 : 0;"},
      {"plpython3u", "import json\nvalue = json.loads(a)['b']\nreturn value.get('c') == 1"},
      {"plpython3u", "TD['new']['x'] = 1.5\nreturn 'MODIFY'"},
      {"plpython3u", "return max(a, b)"},
      {"plpython3u", "SDK = GDP + 1"},
      {"pltcl", "return [expr $1 + $2]"},
      {"plv8", "return plv8.execute('select $1', [a])[0].a;"},
      {"plv8", "plv8.elog(NOTICE, 'thistle');"},
      {"plrust", "Ok(Some(a + b))"},
  }));
  INFO(language << ": " << body);
  CHECK_FALSE(may_keep_globals(language, body));
}
